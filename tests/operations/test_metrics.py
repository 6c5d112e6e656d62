"""The numbers of a server are what happened, as Prometheus reads them, whichever of its processes is asked."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.operations.watching import LIMIT, until

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
Numbers = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def numbers(server: LiveServer, **headers: str) -> Numbers:
    answer = server.http.get(f"{server.url}metrics", headers=headers).raise_for_status()
    read: Callable[[str], object] = read_openmetrics if "openmetrics" in answer.headers["content-type"] else read_text
    families: list[object] = list(read(answer.text))  # type: ignore[call-overload]
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}  # type: ignore[attr-defined]


def number(found: Numbers, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def get(server: LiveServer, path: str, agent: str, times: int) -> None:
    for _ in range(times):
        server.http.get(f"{server.url}{path}", headers={"User-Agent": agent})


def test_requests_are_counted_by_route_client_and_status_with_those_of_the_lane(server: LiveServer) -> None:
    server.host(wheel("acme", "1.0"))
    get(server, "simple/acme/", 'pip/26.3 {"ci":true}', 5)
    get(server, "simple/acme/", 'uv/0.13.1 {"installer":{}}', 7)
    get(server, "simple/", "Mozilla/5.0 (X11; Linux)", 3)
    get(server, "simple/nothing/", "poetry/2.2 CPython/3.13", 2)

    found = numbers(server)
    counted = {key: number(found, "purveyor_requests_total", route=key[0], client=key[1], status=key[2]) for key in EXPECTED}
    assert counted == EXPECTED
    # The first of each kind takes the long way; what was not found takes it each time.
    assert number(found, "purveyor_express_lane_requests_total") == 4 + 6 + 2
    assert number(found, "purveyor_request_duration_seconds_count", route="page") == 2 + 2
    assert number(found, "purveyor_refusals_total", code="not-found") == 2

    # What the lane answered stays counted when the answer is dropped.
    server.host(wheel("acme", "1.1"))
    get(server, "simple/acme/", "pip/26.3", 5)
    assert number(numbers(server), "purveyor_requests_total", route="page", client="pip", status="2xx") == 10


EXPECTED = {
    ("page", "pip", "2xx"): 5,
    ("page", "uv", "2xx"): 7,
    ("list", "browser", "2xx"): 3,
    ("page", "poetry", "4xx"): 2,
    ("upload", "other", "2xx"): 1,
}


def test_uploads_and_refusals_are_counted_by_what_came_of_them(server: LiveServer) -> None:
    filename, content = wheel("acme", "1.0")
    for body in (content, content, wheel("acme", "1.0", modules={"acme.py": "other"})[1]):
        server.upload(filename, body)
    server.upload(filename, content, token="pvy_wrong")

    found = numbers(server)
    outcomes = {outcome: number(found, "purveyor_uploads_total", outcome=outcome) for outcome in ("stored", "present", "refused", "failed")}
    assert outcomes == {"stored": 1, "present": 1, "refused": 2, "failed": 0}
    assert number(found, "purveyor_refusals_total", code="file-exists") == 1
    assert number(found, "purveyor_refusals_total", code="not-authenticated") == 1
    assert number(found, "purveyor_projects") == number(found, "purveyor_files") == 1
    assert number(found, "purveyor_files_bytes") == len(content)
    assert number(found, "purveyor_serial") > 0


def test_the_processes_of_one_server_are_counted_together(tmp_path: Path) -> None:
    """Each connection is one process's, so that several of them have something to count."""
    with LiveServer(tmp_path / "data", workers=2) as server:
        server.host(wheel("acme", "1.0"))
        for _ in range(20):
            httpx2.get(f"{server.url}simple/acme/", headers={"User-Agent": "pip/26.3"}, trust_env=False)

        def everything_is_counted() -> bool:
            found = numbers(server)
            counted = number(found, "purveyor_requests_total", route="page", client="pip", status="2xx")
            assert counted <= 20
            return counted == 20 and number(found, "purveyor_processes") == 2

        until(everything_is_counted)
        until(everything_is_counted)


def test_openmetrics_is_for_those_who_ask_for_it(server: LiveServer) -> None:
    text = server.http.get(f"{server.url}metrics")
    assert text.headers["content-type"].startswith("text/plain; version=")
    asked = server.http.get(f"{server.url}metrics", headers={"Accept": OPENMETRICS})
    assert asked.headers["content-type"].startswith(OPENMETRICS)
    assert asked.text.endswith("# EOF\n")
    assert number(numbers(server, Accept=OPENMETRICS), "purveyor_requests_total", route="metrics", client="other", status="2xx") == 2


def test_the_numbers_are_for_this_machine_alone_unless_a_proxy_says_that_it_hands_a_request_on(server: LiveServer) -> None:
    url = f"{server.url}metrics"
    assert server.http.get(url).status_code == 200
    assert server.http.get(url, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


@pytest.mark.parametrize(("setting", "status"), [("on", 200), ("off", 404)])
def test_the_numbers_are_for_everyone_or_nobody_where_the_setting_says_so(tmp_path: Path, setting: str, status: int) -> None:
    with LiveServer(tmp_path / "data", metrics=setting) as server:
        assert server.http.get(f"{server.url}metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == status


def test_a_database_that_hangs_keeps_no_number_back_but_its_own(server: LiveServer) -> None:
    server.host(wheel("acme", "1.0"))
    assert number(numbers(server), "purveyor_projects") == 1
    server.http.timeout = LIMIT
    (server.data / "purveyor.sqlite").rename(server.data / "away")
    assert number(numbers(server), "purveyor_requests_total", route="upload", client="other", status="2xx") == 1
