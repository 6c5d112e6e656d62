"""Writers that wait together share a commit: the price of durability is paid once for all of them."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from purveyor.adapters.sql import Connection

T = TypeVar("T")


class Job(Generic[T]):
    """One write on its way through the next commit."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.finished = False
        self.error: Exception | None = None
        self.value: T

    def run(self, connection: Connection, refusals: tuple[type[Exception], ...]) -> None:
        """Do the work. What is refused by a rule, for instance with a `Conflict`, is undone; the others of the same commit go on."""
        connection.execute("SAVEPOINT job")
        try:
            self.value = self.work(connection)
        except refusals as error:
            connection.execute("ROLLBACK TO job")
            self.error = error
        connection.execute("RELEASE job")


class GroupCommit:
    """`commit` takes the jobs of one transaction: it runs each, makes all durable, or raises what became of all of them."""

    def __init__(self, commit: Callable[[Sequence[Job[Any]]], None]) -> None:
        self._commit = commit
        self._turn = threading.Lock()
        self._waiting: deque[Job[Any]] = deque()

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is durable; raises what it raises, or what kept it from being committed."""
        job = Job(work)
        self._waiting.append(job)
        with self._turn:
            if not job.finished:
                self._commit_all([self._waiting.popleft() for _ in range(len(self._waiting))])
        if job.error is not None:
            raise job.error
        return job.value

    def _commit_all(self, jobs: Sequence[Job[Any]]) -> None:
        try:
            self._commit(jobs)
        except Exception as error:  # noqa: BLE001 - whatever broke the shared commit is every waiting writer's answer
            for job in jobs:
                job.error = error
        for job in jobs:
            job.finished = True
