"""What adapters do slowly, timed, counted and traced: commits, objects put into a store, requests to upstreams."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from purveyor.errors import StoreFailed, UpstreamFailed
from purveyor.interfaces import Tracer
from purveyor.model.tally import Tally


class Watching:
    def __init__(self, tally: Tally, tracer: Tracer) -> None:
        self._tally = tally
        self._tracer = tracer

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """A failure is what another attempt may not meet; that somebody is refused is none."""
        began = time.perf_counter()
        try:
            with self._tracer.span(name):
                yield
        except (StoreFailed, UpstreamFailed):
            self._tally.add("operation_failures", name)
            raise
        finally:
            self._tally.add_duration("operation_duration", name, seconds=time.perf_counter() - began)
