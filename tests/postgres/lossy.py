"""A network between a server and its database that loses one word: the answer to a commit."""

import contextlib
import socket
import threading
from typing import Self


class LossyLink:
    """Forwards to `port`. While `loses_commits`, the word that a commit was made is not handed on, and the connection is cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.loses_commits = False
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                database = socket.create_connection(("127.0.0.1", self._target))
                committing = threading.Event()
                for source, target, forward in ((client, database, True), (database, client, False)):
                    threading.Thread(target=self._pump, args=(source, target, committing), kwargs={"forward": forward}, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, committing: threading.Event, *, forward: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if forward and self.loses_commits and b"COMMIT" in data:
                    committing.set()
                if not forward and committing.is_set():
                    self.lost += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
