"""A worker process does not outlive the server that started it."""

import multiprocessing
import os
import signal
import threading
import time

_LAST_WORDS = 0.5
"""Seconds that an orphan has for the answers under way."""


def end_with_parent() -> None:
    """In a worker, end this process soon after its parent ended; nothing in a process that nobody started as a worker.

    The parent holds the other end of a pipe, which the system closes for it however it ends.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_WORDS)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
