"""Threads for work that mostly waits for another machine."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Job = tuple[Future[T], Callable[[], T]]


class Waiters(Executor):
    """Up to `most` threads, which stay. A thread of their own begins them, one after the other, where there is more work than threads.

    With `ThreadPoolExecutor`, whoever submits begins a thread and waits until it runs: that takes milliseconds where many are at work, and
    an event loop answers nobody meanwhile. Nothing waits for these at the end of the process.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._work: SimpleQueue[Job[object] | None] = SimpleQueue()
        # One for each piece of work: look whether there is a thread for it; False: end.
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._turn = threading.Lock()
        self._begun = self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._turn:
            if self._closed:
                raise RuntimeError("These threads are to end.")
            self._work.put((future, lambda: fn(*args, **kwargs)))  # type: ignore[arg-type] # a queue of jobs of every kind
            self._calls.put(True)
            if not self._begun:
                self._begun = True
                self._begin(self._begin_others)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - see below
        """Do what is under way and, unless it is cancelled, what was submitted. Never waits, whatever `wait` says."""
        with self._turn:
            self._closed = True
            while cancel_futures and (job := self._next()) is not None:
                job[0].cancel()
            for _ in range(self._threads):
                self._work.put(None)
            self._calls.put(False)

    def _next(self) -> Job[object] | None:
        try:
            return self._work.get_nowait()
        except Empty:
            return None

    def _begin(self, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=self._name, daemon=True).start()

    def _begin_others(self) -> None:
        while self._calls.get():
            if not self._idle.acquire(blocking=False) and self._threads < self._most:
                with self._turn:
                    self._threads += 1
                    if self._closed:
                        self._work.put(None)
                self._begin(self._do)

    def _do(self) -> None:
        while (job := self._work.get()) is not None:
            future, work = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
                    future.set_exception(error)
            del job, future, work
            self._idle.release()
