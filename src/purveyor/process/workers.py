"""Several server processes on one port, kept by uvicorn's supervisor."""

import os
import signal
import socket
from contextlib import suppress
from typing import Any

_LOOK_AGAIN = 0.1


def supervisor(config: Any, listener: socket.socket) -> Any:
    """What runs `config.workers` processes of uvicorn that share the port, and starts another one where one has died."""
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - a seventh of a second, for those who have several

    class Supervisor(Multiprocess):
        def terminate_all(self) -> None:
            # A port is open for as long as anybody has it: what came now would wait for a process that takes no connections.
            for kept in self.sockets:
                kept.close()
            super().terminate_all()

        def join_all(self) -> None:
            """Until all have ended; whoever is impatient meanwhile is heard by all of them."""
            self.signal_queue.clear()
            for worker in self.processes:
                while worker.process.is_alive():
                    if signal.SIGTERM in self.signal_queue:
                        self._tell_all(signal.SIGTERM)
                    worker.process.join(_LOOK_AGAIN)

        def _tell_all(self, number: int) -> None:
            self.signal_queue.clear()
            for worker in self.processes:
                with suppress(ProcessLookupError):
                    os.kill(worker.process.pid or 0, number)

    return Supervisor(config, sockets=[listener])
