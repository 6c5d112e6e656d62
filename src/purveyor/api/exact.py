"""The express lane over a catalog that others write to as well: what is held leaves once the database has said that it is still right."""

from typing import Any

from purveyor.api.express import ExpressProtocol
from purveyor.api.freshness import Freshness

# A client that sends this much ahead while it waits is not read further.
_AHEAD_LIMIT = 1 << 16


class ExactProtocol(ExpressProtocol):
    """Requests that the lane does not know go the long way at once, where they wait for the same."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._freshness: Freshness = app_state["purveyor.freshness"]
        self._asking = False
        self._file_leaves = False
        self._ahead = bytearray()  # what came while we asked, or while a file was on its way

    def data_received(self, data: bytes) -> None:
        self.silence = 0
        if self._asking or self._ahead:
            self._ahead += data
            if len(self._ahead) > _AHEAD_LIMIT:
                self.pause_reading()
        elif not self.idle:
            self._feed(data)
        elif self.lane is None or self.congested or self.lane.find(data) is None:
            self._take_long_way(data)
        else:
            self._asking, self.idle = True, False
            self._freshness.when_current(lambda: self._go_on(data))

    def _go_on(self, data: bytes) -> None:
        """What is held now is as new as the database was after the request had arrived."""
        self._asking, self.idle = False, True
        if self.transport.is_closing():
            return
        held = None if self.lane is None else self.lane.find(data)
        if held is None:
            self._take_long_way(data)
        else:
            held.count += 1
            self._send_held(held)
            self._file_leaves = not self.idle
        if self._ahead:
            self._read_ahead()

    def _read_ahead(self) -> None:
        if self._file_leaves or not self._ahead or self.transport.is_closing():
            return
        ahead = bytes(self._ahead)
        self._ahead.clear()
        self.resume_reading()
        self.data_received(ahead)

    def _span_sent(self) -> None:
        super()._span_sent()
        self._file_leaves = False
        if self._ahead:
            self.loop.call_soon(self._read_ahead)
