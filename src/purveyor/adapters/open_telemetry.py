"""Spans by OpenTelemetry, sent by OTLP over HTTP. Where to, which of them, and under which name is said by its own variables, `OTEL_*`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from purveyor import __version__

_PATIENCE = 3000
"""Milliseconds that a server which ends spends on sending its last spans."""
_OUR_FAULT = 500


class OpenTelemetrySpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.trace = trace.format_trace_id(span.get_span_context().trace_id)

    def end_with(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= _OUR_FAULT:
            self._span.set_status(StatusCode.ERROR)


class OpenTelemetry:
    def __init__(self) -> None:
        os.environ.setdefault("OTEL_SERVICE_NAME", "purveyor")
        self._provider = TracerProvider()
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("purveyor", __version__)

    @contextmanager
    def span(self, name: str, caller: Mapping[str, str] | None = None) -> Iterator[OpenTelemetrySpan]:
        """The text of an exception may hold anything, so only its type is sent."""
        context, kind = (None, SpanKind.INTERNAL) if caller is None else (extract(caller), SpanKind.SERVER)
        with self._tracer.start_as_current_span(name, context, kind, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield OpenTelemetrySpan(span)
            except BaseException as error:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", type(error).__name__)
                raise

    def close(self) -> None:
        self._provider.force_flush(_PATIENCE)
        self._provider.shutdown()
