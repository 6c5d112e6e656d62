"""Which files a bundle takes, where it takes them from, and how it goes on after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from purveyor.testing.fake_index import Answer, FakeIndex
from tests.bundles.conftest import FAMILY, bring, create, files, pylock, uv_lock
from tests.distributions import wheel
from tests.importing.here import Here
from tests.upstream.conftest import over
from tests.workbench.command import environment, purveyor

APP, SOURCE, CORE, CORE_311, CORE_313, CORE_MAC, WINDOWS = (filename for filename, _ in FAMILY)
ANYWHERE = {APP, SOURCE, CORE}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [CORE_311, CORE_313, CORE_MAC, WINDOWS]),
        (("--python", "3.11", "--platform", "linux_x86_64"), [CORE_311]),
        (("--python", "3.13", "--platform", "manylinux_2_17_x86_64"), [CORE_313]),
        (("--python", "3.13", "--platform", "manylinux_2_12_x86_64"), []),
        (("--python", "3.11", "--python", "3.13", "--platform", "linux_x86_64"), [CORE_311, CORE_313]),
        (("--python", "3.13", "--platform", "linux_x86_64", "--platform", "macosx_14_0_arm64"), [CORE_313, CORE_MAC]),
        (("--python", "3.13", "--platform", "linux_aarch64"), []),
        (("--python", "3.13", "--platform", "musllinux_1_2_x86_64"), []),
        (("--python", "3.12", "--platform", "win_amd64"), [WINDOWS]),
    ],
    ids=" ".join,
)
def test_pythons_and_platforms_choose_files_by_tags_and_markers(
    index: FakeIndex, tmp_path: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    lock = uv_lock(index, tmp_path)

    assert set(files(create(lock, output=tmp_path / "a.tar", options=options))) == ANYWHERE | set(expected)


def test_a_pylock_is_chosen_from_likewise(index: FakeIndex, tmp_path: Path) -> None:
    lock = pylock(index, tmp_path, "--universal", "--python-version", "3.11")
    options = ("--python", "3.13", "--platform", "linux_x86_64")

    assert set(files(create(lock, output=tmp_path / "a.tar", options=options))) == ANYWHERE | {CORE_313}


@pytest.mark.parametrize("kind", ["names", "requirements"])
def test_the_closure_of_requirements_is_resolved_for_each_python_and_platform(index: FakeIndex, tmp_path: Path, kind: str) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("acme-app>=1\n")
    options = ("--python", "3.11", "--python", "3.13", "--platform", "linux_x86_64")

    made = create("acme-app==1.0" if kind == "names" else requirements, output=tmp_path / "a.tar", index=index.url, options=options)

    assert set(files(made)) == ANYWHERE | {CORE_311, CORE_313}
    assert (made.document["pythons"], made.document["platforms"]) == (["3.11", "3.13"], ["linux_x86_64"])
    assert made.document["indexes"] == [index.url]


def test_without_uv_pip_resolves_for_this_python_and_says_so(index: FakeIndex, tmp_path: Path) -> None:
    """A path without uv, and an interpreter without uv beside it."""
    python = tmp_path / "python"
    python.mkdir()
    (python / "python").symlink_to(sys.executable)
    variables = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    start = f"import sys; sys.executable = {str(python / 'python')!r}; from purveyor.cli.main import main; main()"
    command = [sys.executable, "-c", start, "bundle", "create", "acme-app", "--index-url", index.url, "--output", str(tmp_path / "a.tar")]

    made = subprocess.run(command, env=environment(**variables), capture_output=True, text=True, check=False)
    refused = subprocess.run([*command, "--python", "3.99"], env=environment(**variables), capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stderr
    assert "pip resolves, for this Python and this platform only" in made.stderr
    assert "2 files of 2 projects" in made.stdout
    assert refused.returncode == 2
    assert "Install uv" in refused.stderr


def test_it_is_taken_through_another_purveyor_that_pulls_and_then_needs_nothing(index: FakeIndex, there: Here, tmp_path: Path) -> None:
    index.add(*wheel("unrelated", "1.0"))
    with over(index.url, tmp_path / "puller") as server:
        made = create(uv_lock(index, tmp_path), output=tmp_path / "a.tar", index=server.simple_url)
        assert made.document["indexes"] == [server.simple_url]

    assert set(bring(tmp_path / "a.tar", there).document["added"]) == {filename for filename, _ in FAMILY}


def test_an_index_that_has_other_bytes_than_the_lock_says_is_refused(index: FakeIndex, tmp_path: Path) -> None:
    lock = uv_lock(index, tmp_path)
    with FakeIndex() as liar:
        for filename, content in FAMILY[:-1]:
            liar.add(filename, content)
        liar.add(WINDOWS, wheel("winonly", "3.0", {"winonly.py": "evil = True\n"}, tag="py3-none-win_amd64")[1])
        refused = create(lock, output=tmp_path / "a.tar", index=liar.url)

    assert refused.code == 1
    assert f"{WINDOWS} should have the sha256" in refused.document["detail"]
    assert not (tmp_path / "a.tar").exists()


def test_a_pylock_that_names_no_index_gives_files_by_their_own_addresses(index: FakeIndex, tmp_path: Path) -> None:
    """As pip writes it."""
    lock = pylock(index, tmp_path)
    lock.write_text("".join(line for line in lock.read_text().splitlines(keepends=True) if not line.startswith("index = ")))

    made = create(lock, output=tmp_path / "a.tar")

    assert {APP, CORE} <= set(files(made))
    assert made.document["indexes"] == []
    assert not [request.path for request in index.requests[-len(files(made)) :] if request.path.startswith("/simple/")]


def test_a_lock_that_names_a_path_for_a_file_is_not_followed_there(index: FakeIndex, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    lock = pylock(index, folder)
    lock.write_text(lock.read_text().replace(f"/{APP}", f"/..%2F..%2F{APP}").replace("url = ", 'name = "../../outside.whl", url = '))

    create(lock, output=folder / "sub.tar")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["here"]


def test_credentials_of_the_index_do_not_get_into_the_bundle(index: FakeIndex, tmp_path: Path) -> None:
    url = index.url.replace("http://", "http://someone:s3cret@")

    made = create("acme-app", output=tmp_path / "a.tar", index=url)

    assert made.document["indexes"] == [index.url]
    assert b"s3cret" not in (tmp_path / "a.tar").read_bytes()


def test_a_run_that_was_killed_is_continued_and_what_is_there_is_not_fetched_again(index: FakeIndex, tmp_path: Path) -> None:
    lock, output = uv_lock(index, tmp_path), tmp_path / "a.tar"
    slow = next(file for file in index.files if file.filename == WINDOWS)
    index.answer(slow.path, Answer(body=slow.data, delay=30))
    command = [sys.executable, "-m", "purveyor", "bundle", "create", str(lock), "--output", str(output)]
    with subprocess.Popen(command, env=environment(HOME=str(tmp_path)), stderr=subprocess.DEVNULL) as running:
        partial = tmp_path / "a.tar.partial"
        while len([path for path in partial.glob("*") if len(path.name) == 64]) < len(FAMILY) - 1:
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    assert not output.exists()
    index.answer(slow.path, Answer(body=slow.data))

    made = create(lock, output=output)

    assert (made.document["fetched"], made.document["reused"]) == (1, len(FAMILY) - 1)
    assert not partial.exists()


def test_a_bundle_that_is_there_already_is_built_upon(index: FakeIndex, tmp_path: Path) -> None:
    lock, output = uv_lock(index, tmp_path), tmp_path / "a.tar"
    create(lock, output=output, options=("--python", "3.11", "--platform", "linux_x86_64"))

    more = create(lock, output=output)
    before = output.read_bytes()
    same = create(lock, output=output)

    assert (more.document["fetched"], more.document["reused"]) == (3, 4)
    assert (same.document["fetched"], same.document["changed"]) == (0, False)
    assert output.read_bytes() == before


def test_show_lists_what_a_bundle_holds(index: FakeIndex, tmp_path: Path) -> None:
    create(uv_lock(index, tmp_path), output=tmp_path / "a.tar")

    shown = purveyor("bundle", "show", tmp_path / "a.tar", "--json")
    plain = purveyor("bundle", "show", tmp_path / "a.tar")

    assert [file["filename"] for file in json.loads(shown.out)["files"]] == [line.split()[0] for line in plain.out.splitlines()[:-1]]
    assert plain.out.splitlines()[-1].startswith("7 files of 3 projects")


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("not a requirement!", 2, "neither a file nor a requirement"),
        ("no-such-project", 1, "finds no releases that meet the requirements"),
        ("pylock.toml", 2, "is not a pylock.toml"),
        ("uv.lock", 2, "version"),
    ],
)
def test_a_source_that_is_no_use_is_refused_in_one_sentence(index: FakeIndex, tmp_path: Path, source: str, code: int, said: str) -> None:
    for name in ("pylock.toml", "uv.lock"):
        (tmp_path / name).write_text("nonsense = true\n")
    path = tmp_path / source if source.endswith(("toml", "lock")) else source

    refused = create(path, output=tmp_path / "a.tar", index=index.url)

    assert (refused.code, said in refused.document["detail"]) == (code, True), refused.document
