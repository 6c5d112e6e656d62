"""`purveyor publish` against our own server, and against small fakes of others."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributions import sdist, wheel
from tests.live_server import LiveServer
from tests.workbench.command import Ran, environment, purveyor
from tests.workbench.fake_uploads import Reply, UploadIndex
from tests.workbench.projects import project


def _written(folder: Path, *files: tuple[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for filename, content in files:
        (folder / filename).write_bytes(content)
    return folder


def _publish(server: LiveServer, *arguments: str | Path) -> Ran:
    return purveyor("publish", *arguments, "--index-url", server.simple_url, "--data", server.data)


def _to(index: UploadIndex, *arguments: str | Path, **variables: str) -> Ran:
    return purveyor("publish", *arguments, "--index-url", index.url, cwd=None, **variables)


def _until_closed(terminal: int) -> str:
    """Everything that is written to a terminal by the process at its other end."""
    shown = b""
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as screen:  # the end is EIO, not empty bytes
        while piece := screen.read(1 << 16):
            shown += piece
    return shown.decode()


def _outcomes(ran: Ran) -> dict[str, str]:
    return {file["filename"]: file["outcome"] for file in ran.document["files"]}


def test_files_are_published_byte_for_byte(server: LiveServer, tmp_path: Path) -> None:
    made = (wheel("acme-app", "1.0"), sdist("acme-app", "1.0"))
    ran = _publish(server, _written(tmp_path / "dist", *made), "--json")
    assert ran.code == 0, ran.out
    assert _outcomes(ran) == {filename: "published" for filename, _ in made}
    assert server.files("acme-app") == dict(made)


def test_publishing_again_is_success_and_changes_nothing(server: LiveServer, tmp_path: Path) -> None:
    dist = _written(tmp_path / "dist", wheel("acme-app", "1.0"), sdist("acme-app", "1.0"))
    assert _publish(server, dist).code == 0
    before = server.project("acme-app")
    again = _publish(server, dist, "--json")
    assert again.code == 0
    assert set(_outcomes(again).values()) == {"already-there"}
    assert server.project("acme-app") == before


def test_other_bytes_under_the_same_name_are_refused_before_anything_is_sent(server: LiveServer, tmp_path: Path) -> None:
    filename, first = wheel("acme-app", "1.0")
    server.host((filename, first))
    other = wheel("acme-app", "1.0", {"acme_app.py": "changed = True\n"})
    ran = _publish(server, _written(tmp_path / "dist", other, sdist("acme-app", "1.0")))
    assert ran.code == 1
    assert f"there sha256 {server.hashes('acme-app')[filename]}" in ran.err
    assert "Nothing was sent." in ran.err
    assert server.files("acme-app") == {filename: first}


def test_a_project_directory_is_built_and_published(server: LiveServer, tmp_path: Path) -> None:
    # The backend of `project` writes an empty RECORD, which our server refuses: a new project is the real thing.
    assert purveyor("new", "acme-app", tmp_path / "acme app").code == 0
    ran = _publish(server, tmp_path / "acme app", "--no-isolation", "--json")
    assert ran.code == 0, ran.out
    assert sorted(server.hashes("acme-app")) == ["acme_app-0.1.0-py3-none-any.whl", "acme_app-0.1.0.tar.gz"]
    assert not (tmp_path / "acme app" / "dist").exists()


def test_a_project_published_twice_gives_the_same_bytes(server: LiveServer, tmp_path: Path) -> None:
    purveyor("new", "acme-app", tmp_path / "acme")
    assert _publish(server, tmp_path / "acme", "--no-isolation").code == 0
    again = _publish(server, tmp_path / "acme", "--no-isolation", "--json")
    assert set(_outcomes(again).values()) == {"already-there"}


def test_the_servers_refusal_is_shown(server: LiveServer, tmp_path: Path) -> None:
    dist = _written(tmp_path, wheel("acme-app", "1.0", record=b"acme_app.py,,\n"))
    ran = _publish(server, dist / "acme_app-1.0-py3-none-any.whl")
    assert ran.code == 1
    assert "RECORD" in ran.err
    assert server.hashes("acme-app") == {}


def test_a_wrong_token_is_told_apart_and_never_shown(server: LiveServer, tmp_path: Path) -> None:
    dist = _written(tmp_path / "dist", wheel("acme-app", "1.0"))
    ran = purveyor("publish", dist, "--index-url", server.simple_url, PURVEYOR_TOKEN="wrong-token")
    assert ran.code == 4
    assert "PURVEYOR_TOKEN" in ran.err
    assert "wrong-token" not in ran.err + ran.out


def test_no_server_is_told_apart(tmp_path: Path) -> None:
    with UploadIndex() as gone:
        pass
    ran = _to(gone, _written(tmp_path / "dist", wheel("acme-app", "1.0")), "--json")
    assert ran.code == 3
    assert ran.document["error"] == "index-unreachable"
    assert "purveyor serve" in ran.document["remedy"]


def test_a_proxy_in_the_environment_does_not_come_between_this_machine_and_itself(tmp_path: Path) -> None:
    with UploadIndex() as index:
        dist = _written(tmp_path / "dist", wheel("acme-app", "1.0"))
        ran = _to(index, dist, http_proxy="http://127.0.0.1:9/", ALL_PROXY="http://127.0.0.1:9/", no_proxy="")
    assert ran.code == 0, ran.err


def test_on_a_terminal_a_large_file_has_a_bar(tmp_path: Path) -> None:
    dist = _written(tmp_path / "dist", wheel("acme-app", "1.0", {"noise.bin": os.urandom(3 << 20)}))
    ours, theirs = pty.openpty()
    with UploadIndex() as index:
        command = [sys.executable, "-m", "purveyor", "publish", str(dist), "--index-url", index.url]
        running = subprocess.Popen(command, env=environment(TERM="xterm"), stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = _until_closed(ours)
        assert running.wait() == 0, shown
    assert "Uploading acme_app-1.0-py3-none-any.whl  [###" in shown
    assert "100%" in shown


def test_every_field_of_the_metadata_goes_into_the_form(tmp_path: Path) -> None:
    lines = (
        "Summary: Rockets",
        "Keywords: rocket,anvil",
        "Classifier: Private :: Do Not Upload",
        "Classifier: Typing :: Typed",
        "Requires-Dist: attrs",
        "Project-URL: Home, http://acme.test/",
        "License-Expression: MIT",
        "Requires-Python: >=3.11",
    )
    with UploadIndex() as index:
        assert _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0", metadata=lines))).code == 0
        form = index.forms[0]
    assert {name: form[name] for name in form if "digest" not in name} == {
        ":action": ["file_upload"],
        "protocol_version": ["1"],
        "filetype": ["bdist_wheel"],
        "pyversion": ["py3"],
        "metadata_version": ["2.4"],
        "name": ["acme-app"],
        "version": ["1.0"],
        "summary": ["Rockets"],
        "keywords": ["rocket, anvil"],
        "classifiers": ["Private :: Do Not Upload", "Typing :: Typed"],
        "requires_dist": ["attrs"],
        "project_urls": ["Home, http://acme.test/"],
        "license_expression": ["MIT"],
        "requires_python": [">=3.11"],
    }
    assert len(form["sha256_digest"][0]) == len(form["blake2_256_digest"][0]) == 64


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(400, "application/problem+json", b'{"title": "t", "detail": "The moon is wrong."}'), "The moon is wrong (400)."),
        (Reply(400, "application/json", b'{"message": "The moon is wrong."}'), "The moon is wrong (400)."),
        (Reply(400, "text/plain; charset=utf-8", b"The moon is wrong.\n"), "The moon is wrong (400)."),
        (Reply(400, "text/html", b"<h1>No</h1>", reason="The moon is wrong"), "The moon is wrong (400)."),
        (Reply(400, "text/plain", b"\x1b[31mred\x07"), "[31mred (400)."),
        (Reply(400, "application/json", b"not json", reason="Bad Request"), "Bad Request (400)."),
    ],
)
def test_a_refusal_is_shown_wherever_an_index_puts_it(tmp_path: Path, reply: Reply, said: str) -> None:
    with UploadIndex(reply) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")))
    assert ran.code == 1
    assert ran.err.splitlines()[1].endswith(said)
    assert "\x1b" not in ran.err


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (404, 2), (405, 2), (409, 1), (413, 1), (429, 3), (500, 3)])
def test_the_exit_code_says_whose_turn_it_is(tmp_path: Path, status: int, code: int) -> None:
    with UploadIndex(Reply(status)) as index:
        assert _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0"))).code == code


def test_a_redirect_is_refused_and_gets_no_token(tmp_path: Path) -> None:
    with UploadIndex() as other, UploadIndex(Reply(308, headers={"Location": other.upload_url})) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")), PURVEYOR_TOKEN="secret")
    assert ran.code == 2
    assert f"redirects to {other.upload_url}" in ran.err
    assert "--upload-url" in ran.err
    assert (other.forms, other.authorizations) == ([], [])


def test_an_index_that_sends_unknown_names_elsewhere_does_not_have_the_project(tmp_path: Path) -> None:
    with UploadIndex() as other, UploadIndex(unknown=Reply(303, headers={"Location": other.url})) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")), PURVEYOR_TOKEN="secret")
    assert ran.code == 0, ran.err
    assert other.authorizations == []


def test_an_index_that_lists_no_digests_is_compared_by_the_bytes(tmp_path: Path) -> None:
    dist = _written(tmp_path / "dist", wheel("acme-app", "1.0"))
    with UploadIndex(digests=False) as index:
        first, again = _to(index, dist), _to(index, dist, "--json")
        other = _to(index, _written(tmp_path / "other", wheel("acme-app", "1.0", {"x.py": ""})))
    assert (first.code, again.code, other.code) == (0, 0, 1)
    assert set(_outcomes(again).values()) == {"already-there"}


def test_an_index_that_lists_late_is_waited_for(tmp_path: Path) -> None:
    with UploadIndex(hidden_reads=3) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")))
    assert ran.code == 0, ran.err
    assert "Waiting for the index to list acme_app-1.0-py3-none-any.whl" in ran.err


def test_a_file_that_arrived_though_the_answer_did_not_is_published(tmp_path: Path) -> None:
    with UploadIndex(Reply(502), keeps=True) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")))
    assert ran.code == 0, ran.err


def test_an_index_that_lists_other_bytes_than_were_sent_is_found_out(tmp_path: Path) -> None:
    with UploadIndex(corrupts=True) as index:
        ran = _to(index, _written(tmp_path / "dist", wheel("acme-app", "1.0")))
    assert ran.code == 1
    assert "what users would get is not what you published" in ran.err


@pytest.mark.parametrize(
    ("filename", "content", "said"),
    [
        ("acme_app-1.0-py3-none-any.whl", b"not a zip", "cannot be published"),
        ("acme_app-1.0.tar.gz", b"not a tar", "cannot be published"),
        ("acme_app-1.0.zip", b"", "is neither a wheel"),
        ("readme.txt", b"", "is neither a wheel"),
    ],
)
def test_what_is_no_distribution_file_is_refused_here(tmp_path: Path, filename: str, content: bytes, said: str) -> None:
    with UploadIndex() as index:
        ran = _to(index, _written(tmp_path, (filename, content)) / filename)
        assert (ran.code, index.forms) == (1, [])
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_directory_without_anything_to_publish_is_refused(tmp_path: Path) -> None:
    ran = purveyor("publish", tmp_path)
    assert ran.code == 2
    assert "holds neither a pyproject.toml nor a wheel or source distribution" in ran.err


def test_a_project_that_does_not_build_is_not_published(tmp_path: Path) -> None:
    home = project(tmp_path / "acme", backend="def build_sdist(*arguments):\n    raise SystemExit('no')\n")
    with UploadIndex() as index:
        assert (_to(index, home, "--no-isolation").code, index.forms) == (1, [])
