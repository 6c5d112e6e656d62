"""Threads that wait for other machines: no more than are needed, and never begun by whoever has work for them."""

import threading
import time

import pytest

from purveyor.serving.waiters import Waiters

_PATIENCE = 20


def _named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_what_waits_at_the_same_time_has_threads_of_its_own_up_to_the_limit() -> None:
    waiters, together, gone_on = Waiters(3, "together"), threading.Barrier(4), threading.Event()

    def meet() -> str:
        together.wait(_PATIENCE)
        gone_on.wait(_PATIENCE)
        return threading.current_thread().name

    futures = [waiters.submit(meet) for _ in range(3)]
    fourth = waiters.submit(time.monotonic)
    together.wait(_PATIENCE)
    assert not fourth.done()
    gone_on.set()
    assert [future.result(_PATIENCE) for future in futures] == ["together"] * 3
    assert fourth.result(_PATIENCE) > 0
    waiters.shutdown()


def test_one_thread_does_what_comes_one_after_the_other() -> None:
    waiters, threads = Waiters(8, "one"), set()
    for _ in range(10):
        threads.add(waiters.submit(threading.get_ident).result(_PATIENCE))
        time.sleep(0.05)  # it comes back for more
    assert len(threads) == 1
    waiters.shutdown()


def test_what_goes_wrong_is_told_to_whoever_asks_and_the_thread_goes_on() -> None:
    waiters = Waiters(1, "wrong")
    with pytest.raises(ValueError, match="invalid literal"):
        waiters.submit(int, "x").result(_PATIENCE)
    assert waiters.submit(int, "7").result(_PATIENCE) == 7
    waiters.shutdown()


def test_at_the_end_what_waits_is_cancelled_nothing_more_is_taken_and_no_thread_stays() -> None:
    waiters, begun, go_on = Waiters(1, "ending"), threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go_on.wait(_PATIENCE)

    under_way, waiting = waiters.submit(work), waiters.submit(time.monotonic)
    assert begun.wait(_PATIENCE)
    waiters.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(RuntimeError):
        waiters.submit(time.monotonic)
    go_on.set()
    assert under_way.result(_PATIENCE)
    end = time.monotonic() + _PATIENCE
    while _named("ending") and time.monotonic() < end:
        time.sleep(0.01)
    assert not _named("ending")


def test_without_cancelling_what_waits_is_done_before_the_end() -> None:
    waiters = Waiters(1, "done")
    futures = [waiters.submit(abs, -number) for number in range(20)]
    waiters.shutdown()
    assert [future.result(_PATIENCE) for future in futures] == list(range(20))
