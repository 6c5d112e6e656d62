"""The GET cases: what is asked of each server, with what answer, over how many connections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import clients, sites
from benchmarks.answers import (
    GZIP,
    IDENTITY,
    Check,
    Requests,
    conditional,
    file,
    is_wheel,
    lists,
    not_modified,
    only_identity,
    page,
    page_path,
    project_list,
)
from benchmarks.sites import Site


@dataclass(frozen=True)
class Case:
    """`requests` finds out what to send on a port; `check` raises `NotOffered` unless the answer is the right one.

    `longer` multiplies the length of each load.
    """

    key: str
    title: str
    site: Callable[[], Site]
    requests: Requests
    check: Check
    connections: int = 16
    longer: float = 1.0
    metrics: tuple[str, ...] = ("cpu", "rate", "p99", "wire")


def cases() -> Sequence[Case]:
    return (*_small(), *_large(), *_files(), *_everything())


def _small() -> Sequence[Case]:
    path = page_path(sites.SMALL)
    asked, right = page(sites.SMALL, GZIP), lists(1)

    def everyday(key: str, title: str, requests: Requests, check: Check = right, connections: int = 16) -> Case:
        return Case(key, f"small project page, {title}", sites.everyday, requests, check, connections)

    return (
        everyday("small", "as pip asks (gzip accepted)", asked),
        everyday("small-identity", "identity", page(sites.SMALL, IDENTITY), only_identity(right)),
        everyday("small-uv", "as uv asks (gzip and zstd accepted)", lambda port: [clients.uv_page_request(port, path)]),
        everyday("small-varied", "64 User-Agents in turn", lambda port: clients.varied_page_requests(port, path)),
        everyday("small-alone", "one connection", asked, connections=1),
        everyday("304", "If-None-Match with the current ETag", conditional, not_modified),
    )


def _large() -> Sequence[Case]:
    right = lists(sites.MANY_FILES)
    many, identity = page(sites.MANY, GZIP), page(sites.MANY, IDENTITY)
    names, listed = project_list(GZIP), lists(sites.PROJECTS)
    return (
        Case("many", "page of 3,000 files, as pip asks (gzip accepted)", sites.everyday, many, right),
        Case("many-identity", "page of 3,000 files, identity", sites.everyday, identity, only_identity(right)),
        Case("list-200", "list of 200 projects, as pip asks (gzip accepted)", sites.everyday, names, listed),
    )


def _files() -> Sequence[Case]:
    medium, large = file(sites.MEDIUM), file(sites.LARGE)
    whole_medium, whole_large = is_wheel(sites.MEDIUM, sites.MEDIUM_SIZE), is_wheel(sites.LARGE, sites.LARGE_SIZE)
    speed = ("cpu", "rate", "p99", "wire", "speed")
    return (
        Case("file-64k", "file of 64 KB", sites.everyday, medium, whole_medium),
        Case("file-50m", "file of 50 MB, one connection", sites.everyday, large, whole_large, 1, 1.5, speed),
    )


def _everything() -> Sequence[Case]:
    right = lists(sites.ALL_PROJECTS)
    title = "list of 880,000 projects, four connections"
    asked, identity = project_list(GZIP), project_list(IDENTITY)
    return (
        Case("list-880k", f"{title}, as pip asks (gzip accepted)", sites.all_names, asked, right, 4, 1.5),
        Case("list-880k-identity", f"{title}, identity", sites.all_names, identity, only_identity(right), 4, 1.5),
    )
