"""What answers at the index URL: each wrong thing is put there, found by the doctor, and mended by what it says."""

import base64
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from purveyor.testing.fake_index import Answer, FakeIndex
from tests.diagnosis.patient import Examined, Patient
from tests.diagnosis.web_server import WebServer
from tests.distributions import wheel
from tests.live_server import LiveServer

PAGE = '<!DOCTYPE html><meta name="pypi:repository-version" content="1.4"><a href="acme-app/">acme-app</a>'


def wrong(examined: Examined) -> list[str]:
    return [
        f["code"]
        for f in examined.document["findings"]
        if f["subject"] in ("index", "project", "server") and f["severity"] in ("warning", "fault", "note")
    ]


def test_an_index_in_order_is_told_with_what_it_has(patient: Patient, server: LiveServer) -> None:
    server.host(wheel("acme-app", "1.0"))
    examined = patient.examined(index_url=server.simple_url)
    assert (wrong(examined), examined["index-answers"].what) == ([], f"{server.simple_url} is an index with 1 project.")


@pytest.mark.parametrize("wrong_path", ["", "simple/simple/", "simpel/", "simple/acme-app/", "legacy/"])
def test_a_wrong_path_is_told_with_the_right_one(patient: Patient, server: LiveServer, wrong_path: str) -> None:
    server.host(wheel("acme-app", "1.0"))
    examined = patient.examined(index_url=f"{server.url}{wrong_path}")
    assert examined.code == 3
    seen = examined["index-wrong-path"]
    assert f"there is one at {server.simple_url}" in seen.what
    assert seen.command == f"purveyor doctor --index-url {server.simple_url}"
    assert patient.shell(seen.command).returncode == 0


def test_an_index_behind_a_prefix_is_found(patient: Patient) -> None:
    with FakeIndex(prefix="/team") as index:
        seen = patient.examined(index_url=f"{index.root_url}/")["index-wrong-path"]
        assert seen.command.endswith(f" {index.url}")


def test_a_web_server_above_an_index_is_a_wrong_path_and_no_stranger(patient: Patient, tmp_path: Path) -> None:
    folder = tmp_path / "tree" / "simple"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    with WebServer(folder.parent) as web:
        examined = patient.examined(index_url=web.url)
        assert wrong(examined) == ["index-wrong-path"]
        assert patient.shell(examined["index-wrong-path"].command).returncode == 0


def test_what_an_index_says_cannot_steer_the_terminal(patient: Patient, index: FakeIndex) -> None:
    index.add(*wheel("acme-app", "1.0")).yanked = "\x1b[2J\x1b]0;owned\x07"
    index.versions["x; touch owned"] = []
    done = patient.shell(f"purveyor doctor acme-app --index-url {index.url}")
    assert "project-only-yanked" in done.stdout
    assert "\x1b" not in done.stdout
    assert "owned" not in patient.examined("x-touch-owned")["project-missing"].command


def test_a_listing_of_wheels_is_no_index_and_served_as_a_folder_it_is_one(patient: Patient, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    filename, content = wheel("acme-app", "1.0")
    (folder / filename).write_bytes(content)
    with WebServer(folder) as web:
        examined = patient.examined(index_url=web.url)
        assert examined.code == 3
        seen = examined["index-file-listing"]
        assert seen.command == "purveyor serve FOLDER --port 0"
    with LiveServer(patient.data, str(folder)) as live:
        assert wrong(patient.examined("acme-app", index_url=live.simple_url)) == []


def test_a_listing_of_projects_with_their_files_is_an_index_without_json(patient: Patient, tmp_path: Path) -> None:
    folder = tmp_path / "simple" / "acme-app"
    folder.mkdir(parents=True)
    filename, content = wheel("acme-app", "1.0")
    (folder / filename).write_bytes(content)
    with WebServer(tmp_path) as web:
        assert wrong(patient.examined("acme-app", index_url=f"{web.url}simple/")) == ["index-without-json"]


def test_a_tree_whose_directory_is_not_normalized_is_mended_by_renaming_it(patient: Patient) -> None:
    folder = patient.project / "Acme_App"
    folder.mkdir()
    filename, content = wheel("acme-app", "1.0")
    (folder / filename).write_bytes(content)
    (patient.project / "index.html").write_text(PAGE.replace("acme-app", "Acme_App"))
    with WebServer(patient.project) as web:
        seen = patient.examined("acme-app", index_url=web.url)["project-not-normalized"]
        assert seen.command == "mv Acme_App acme-app"
        assert wrong(patient.examined("acme-app", index_url=web.url, after=seen.command)) == ["index-without-json"]


class _Guarded(SimpleHTTPRequestHandler):
    """A static tree for whoever says ada:secret."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"ada:secret").decode():
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "index.html").write_text(PAGE)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=str(tmp_path / "tree"))) as web:
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()


def test_an_index_that_asks_for_credentials_is_told_how_to_give_them(patient: Patient, guarded: str) -> None:
    seen = patient.examined(index_url=guarded)["index-needs-credentials"]
    assert "no credentials were given" in seen.why
    command = seen.command.replace("USER", "ada")
    again = patient.shell(f"{command.replace('PASSWORD', 'wrong')} --json")
    assert "does not accept the credentials given" in again.stdout
    mended = patient.shell(f"{command.replace('PASSWORD', 'secret')} --json")
    assert mended.returncode == 0, mended.stdout
    assert "index-needs-credentials" not in mended.stdout
    assert "secret" not in mended.stdout


def test_a_server_without_an_index_is_told(patient: Patient, index: FakeIndex) -> None:
    index.answer("/simple/", Answer(status=404))
    examined = patient.examined()
    assert (examined["index-not-found"].command, examined.code) == ("purveyor status", 3)
    index._answers.clear()
    assert wrong(patient.examined()) == []


def test_a_page_that_is_no_list_is_told(patient: Patient, index: FakeIndex) -> None:
    index.answer("/simple/", Answer(body=b"<!DOCTYPE html><title>Log in to the network</title>"))
    examined = patient.examined()
    assert (examined["index-not-an-index"].command, examined.code) == ("purveyor status", 3)
    index._answers.clear()
    assert wrong(patient.examined()) == []


def test_a_server_with_an_error_of_its_own_is_told(patient: Patient, index: FakeIndex) -> None:
    index.answer("/simple/", Answer(status=500))
    examined = patient.examined()
    assert ("answered 500" in examined["index-fails"].what, examined.code) == (True, 3)
    index._answers.clear()
    assert wrong(patient.examined()) == []


def test_an_index_without_json_is_a_note(patient: Patient, index: FakeIndex) -> None:
    index.json_served = False
    examined = patient.examined()
    assert ("--exclude-newer" in examined["index-without-json"].why, examined.code) == (True, 0)
    index.json_served = True
    assert wrong(patient.examined()) == []


def test_a_slow_index_is_told(patient: Patient, index: FakeIndex) -> None:
    page = index.respond("/simple/", "+json")
    index.answer("/simple/", Answer(content_type=page.content_type, body=page.body, delay=2.1))
    assert "2." in patient.examined()["index-slow"].what
    index._answers.clear()
    assert wrong(patient.examined()) == []


def test_the_projects_that_are_not_there_are_published_with_the_command_that_is_printed(patient: Patient, server: LiveServer) -> None:
    seen = patient.examined("acme-app", index_url=server.simple_url)["project-missing"]
    patient.variables |= {"PURVEYOR_TOKEN": server.token, "PATH": f"{Path(sys.executable).parent}:{patient.variables['PATH']}"}
    done = patient.shell("purveyor new acme-app", "cd acme-app", f"{seen.command} --no-isolation")
    assert done.returncode == 0, done.stderr
    assert wrong(patient.examined("acme-app", index_url=server.simple_url)) == []
