"""What a server logs can be read by programs, tells one request from another, and holds no secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer

JSON = {"Accept": "application/json"}


def lines(server: LiveServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines()]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_line_for_each_request_has_what_programs_look_for(tmp_path: Path, workers: int) -> None:
    with LiveServer(tmp_path / "data", workers=workers, log_format="json", access_log=True) as server:
        server.http.get(f"{server.simple_url}nothing/?token=secret", headers={"User-Agent": "pip/26.3", "X-Request-ID": "here-1"})
        server.stop()
        (line,) = lines(server)
    assert line.pop("time")
    assert line.pop("milliseconds") >= 0
    assert line.pop("message")
    assert line == {
        "level": "info",
        "request_id": "here-1",
        "method": "GET",
        "path": "/simple/nothing/",
        "status": 404,
        "client": "pip",
        "address": "127.0.0.1",
    }


def test_a_request_has_one_name_in_its_answer_its_document_and_the_log(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", log_level="info", log_format="json") as server:
        filename, content = wheel("acme", "1.0")
        server.upload(filename, content)
        answer = server.upload(filename, content + b"x")
        assert answer.status_code == 400
        refused = server.http.post(server.upload_url, headers=JSON)
        logged = {line["request_id"] for line in lines(server) if "request_id" in line}
    assert answer.headers["x-request-id"] in logged
    assert refused.headers["x-request-id"] in logged
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert len(logged) == 3


def test_the_name_that_a_proxy_gave_is_kept_unless_it_could_do_harm(server: LiveServer) -> None:
    for name in ("here-1", "0af7651916cd43dd8448eb211c80319c", "a/b:c=d+e"):
        assert server.http.get(server.simple_url, headers={"X-Request-ID": name}).headers["x-request-id"] == name
    for name in ("", "two words", "x" * 129, 'quo"te', "<b>"):
        assert server.http.get(server.simple_url, headers={"X-Request-ID": name}).headers["x-request-id"] not in (name, "")


def test_requests_that_differ_in_their_name_do_not_drive_others_out_of_the_lane(server: LiveServer) -> None:
    server.host(wheel("acme", "1.0"))
    for number in range(2100):  # more than the lane remembers
        server.http.get(f"{server.simple_url}acme/", headers={"X-Request-ID": str(number)})
        if number == 0:
            server.http.get(f"{server.simple_url}acme/")
    assert "x-request-id" not in server.http.get(f"{server.simple_url}acme/").headers


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_logged_however_it_comes(tmp_path: Path, log_format: str) -> None:
    with LiveServer(tmp_path / "data", log_level="debug", log_format=log_format, access_log=True) as server:
        token = server.token
        server.host(wheel("acme", "1.0"))
        for path in (f"simple/{token}/", f"{token}", f"api/{token}?x={token}"):
            server.http.get(f"{server.url}{path}", headers={"Authorization": f"Bearer {token}", "X-Request-ID": token})
        server.upload(f"{token}-1.0.tar.gz", b"nothing")
        server.stop()
        assert token[4:20] not in server.log
        assert "..." in server.log
