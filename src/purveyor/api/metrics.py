"""Numbers as Prometheus reads them, in its text format or as OpenMetrics. Imported when somebody asks for the first time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from purveyor import __version__
from purveyor.api.numbers import Numbers
from purveyor.model.tally import BOUNDS, Counted

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

_COUNTERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "requests": ("purveyor_requests", "Requests answered, those of the express lane among them.", ("route", "client", "status")),
    "lane": ("purveyor_express_lane_requests", "Requests that the express lane answered.", ()),
    "pages": ("purveyor_pages", "Pages that the lane did not have: found in memory, or made.", ("result",)),
    "uploads": ("purveyor_uploads", "Uploads: stored, present (the same bytes were there), refused, failed.", ("outcome",)),
    "refusals": ("purveyor_refusals", "Requests answered with an error, by its code.", ("code",)),
    "upstream": ("purveyor_upstream_requests", "Requests to remote indexes, by what came of them.", ("kind", "outcome")),
    "operation_failures": ("purveyor_operation_failures", "What the database, the store or an upstream let fail.", ("operation",)),
    "background": ("purveyor_background_failures", "Rounds of the server's own work that the database or the store let fail.", ()),
    "cpu": ("process_cpu_seconds", "Processor time of all worker processes, ended ones too.", ()),
}
_DURATIONS: Mapping[str, tuple[str, str, str]] = {
    "request_duration": (
        "purveyor_request_duration_seconds",
        "From a request's head to the last byte of its answer, without those of the express lane, which are not timed.",
        "route",
    ),
    "operation_duration": (
        "purveyor_operation_duration_seconds",
        "Commits, objects put into the store, and requests to upstreams, the waiting for a turn among it.",
        "operation",
    ),
}
_GAUGES: Mapping[str, tuple[str, str]] = {
    "processes": ("purveyor_processes", "Worker processes that are there."),
    "connections": ("purveyor_connections", "Open connections of clients."),
    "connections_busy": ("purveyor_database_connections_busy", "Connections to PostgreSQL in use by reads."),
    "connections_idle": ("purveyor_database_connections_idle", "Open connections to PostgreSQL that nobody uses."),
    "connections_limit": ("purveyor_database_connections_limit", "Reads that may use a connection at the same time; more of them wait."),
    "memory": ("process_resident_memory_bytes", "Resident memory of all worker processes."),
    "descriptors": ("process_open_fds", "Open file descriptors of all worker processes."),
    "serial": ("purveyor_serial", "The serial of the newest change that this process knows of."),
    "projects": ("purveyor_projects", "Projects that are hosted."),
    "files": ("purveyor_files", "Distribution files that are hosted."),
    "bytes": ("purveyor_files_bytes", "Their bytes."),
}


@dataclass(eq=False, slots=True)
class _Snapshot(Collector):
    """One look at the numbers, for one scrape."""

    numbers: Numbers

    def collect(self) -> Iterator[Family]:
        yield _info()
        yield from _counters(self.numbers.counted)
        for name, (metric, doc, label) in _DURATIONS.items():
            yield _durations(self.numbers.counted, name, metric, doc, label)
        for name, (metric, doc) in _GAUGES.items():
            if name in self.numbers.now:
                yield GaugeMetricFamily(metric, doc, value=self.numbers.now[name])


def render(numbers: Numbers, accept: str) -> tuple[bytes, str]:
    """The body and its media type, as this Accept field wants it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(numbers))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


def _info() -> GaugeMetricFamily:
    info = GaugeMetricFamily("purveyor_info", "What runs here.", labels=("version",))
    info.add_metric((__version__,), 1.0)
    return info


def _counters(counted: Counted) -> Iterator[CounterMetricFamily]:
    for name, (metric, doc, labels) in _COUNTERS.items():
        family = CounterMetricFamily(metric, doc, labels=labels)
        for key, value in sorted(counted.numbers.items()):
            if key[0] == name:
                family.add_metric(key[1:], value)
        if not labels and not family.samples:
            family.add_metric((), 0.0)
        yield family


def _durations(counted: Counted, name: str, metric: str, doc: str, label: str) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric, doc, labels=(label,))
    ends = [*map(str, BOUNDS), "+Inf"]
    for key, classes in sorted(counted.durations.items()):
        if key[0] == name:
            family.add_metric(key[1:], list(zip(ends, accumulate(classes[:-1]), strict=True)), classes[-1])
    return family
