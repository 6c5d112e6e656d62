"""What is uploaded to a served folder becomes a plain file of it, before the client is answered."""

import hashlib
import os
from pathlib import Path

import pytest

from purveyor.adapters.local_folder import LocalFolder
from purveyor.errors import Conflict, NotAllowed
from purveyor.model.files import FILENAME_LIMIT
from tests.distributions import wheel
from tests.folder.served import ServedFolder, put, states


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [100, 3 << 20])
def test_an_upload_is_a_plain_file_of_the_folder(served: ServedFolder, size: int) -> None:
    name, content = wheel("acme", "1.0", {"acme.bin": os.urandom(size)})
    assert served.upload(name, content).status_code == 200
    assert (served.folder / name).read_bytes() == content
    assert names(served.folder) == [name]
    assert states(served.data) == {name: ("served", None)}
    assert served.files("acme") == {name: content}
    assert served.http.get(served.entries("acme")[0]["url"] + ".metadata").status_code == 200
    assert not [path for path in (served.data / "blobs").rglob("*") if path.is_file()]
    served.restart()
    assert served.files("acme") == {name: content}


def test_the_same_upload_again_changes_nothing(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    for _ in range(2):
        assert served.upload(name, content).status_code == 200
    assert names(served.folder) == [name]


def test_an_upload_never_takes_the_place_of_a_file(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    path = served.put((name, content))
    answer = served.upload(name, wheel("acme", "1.0", {"acme.py": "other = True\n"})[1])
    assert (answer.status_code, "already exists" in answer.text) == (409, True)
    assert path.read_bytes() == content
    assert names(served.folder) == [name]


def test_an_upload_does_not_replace_a_broken_file_either(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    served.put((name, b"broken"))
    served.says("is not served")
    answer = served.upload(name, content)
    assert (answer.status_code, "already exists" in answer.text) == (409, True)
    assert (served.folder / name).read_bytes() == b"broken"


def test_a_refused_upload_leaves_nothing_behind(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    assert served.upload(name, content[:-10]).status_code == 400
    assert names(served.folder) == []


def test_another_spelling_of_a_file_in_a_sub_folder_is_a_conflict(folder: Path) -> None:
    put(folder / "sub", wheel("acme", "1.0"))
    with ServedFolder(folder) as server:
        answer = server.upload("acme-1.0.0-py3-none-any.whl", wheel("acme", "1.0.0")[1])
        assert answer.status_code == 409
        assert names(folder) == ["sub"]


def test_an_upload_is_remembered_as_one(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    served.upload(name, content)
    served.put(wheel("bolt", "1.0"))
    served.waits_for("bolt", ["bolt-1.0-py3-none-any.whl"])
    assert not served.entries("acme")[0]["upload-time"].startswith("2023")
    answer = served.upload(name, wheel("acme", "1.0", {"acme.py": "other = True\n"})[1])
    assert "uploaded by owner" in answer.text


def test_a_removed_upload_may_come_again_with_other_bytes(served: ServedFolder) -> None:
    name, content = wheel("acme", "1.0")
    served.upload(name, content)
    (served.folder / name).unlink()
    served.waits_for("acme", [])
    other = wheel("acme", "1.0", {"acme.py": "other = True\n"})[1]
    assert served.upload(name, other).status_code == 200
    assert served.hashes("acme") == {name: hashlib.sha256(other).hexdigest()}


def test_a_read_only_folder_takes_no_uploads_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # a superuser, as tests may be run by one, may write everywhere
    with pytest.raises(NotAllowed, match="read-only"):
        LocalFolder(tmp_path).check_writable()


def test_the_longest_filename_lands(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    name = "a" * (FILENAME_LIMIT - len("-1.0.tar.gz")) + "-1.0.tar.gz"
    with (tmp_path / "source").open("rb") as content, LocalFolder(tmp_path).land(name, content):
        pass
    assert (tmp_path / name).read_bytes() == b"content"


def test_what_fails_after_landing_is_taken_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(KeyError), source.open("rb") as content, LocalFolder(folder).land("acme-1.0.tar.gz", content):
        raise KeyError
    assert names(folder) == []


def test_what_is_there_is_not_overwritten_by_landing(tmp_path: Path) -> None:
    (tmp_path / "acme-1.0.tar.gz").write_bytes(b"first")
    (tmp_path / "source").write_bytes(b"content")
    with (
        (tmp_path / "source").open("rb") as content,
        pytest.raises(Conflict),
        LocalFolder(tmp_path).land("acme-1.0.tar.gz", content),
    ):
        raise AssertionError("it landed")
    assert (tmp_path / "acme-1.0.tar.gz").read_bytes() == b"first"


def test_a_file_is_left_to_whoever_lands_it(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    (tmp_path / "source").write_bytes(b"content")
    with (tmp_path / "source").open("rb") as content, folder.land("acme-1.0.tar.gz", content) as file:
        assert (tmp_path / file.path).read_bytes() == b"content"
        assert list(folder.listing("", {}).files) == []
    assert list(folder.listing("", {}).files) == [file]


def test_only_what_a_landing_left_behind_is_removed(tmp_path: Path) -> None:
    left = [".acme-1.0-py3-none-any.whl.0123abcd.up"]
    owned = [".backup.up", ".acme-1.0-py3-none-any.whl.up", ".notes.0123abcd.up", "sub/.acme-1.0-py3-none-any.whl.0123abcd.up"]
    (tmp_path / "sub").mkdir()
    for name in left + owned:
        (tmp_path / name).write_bytes(b"of long ago")
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    folder = LocalFolder(tmp_path)
    for directory in ("", "sub"):
        list(folder.listing(directory, {}).files)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob(".*")) == sorted(owned)
