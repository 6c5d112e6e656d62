"""A bundle that is not exactly what its manifest says is refused as a whole; nothing of it is ever visible."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from purveyor.formats.bundle_archive import END, header, padding
from purveyor.testing.fake_index import FakeIndex
from tests.bundles.conftest import FAMILY, bring, create, uv_lock
from tests.distributions import wheel
from tests.importing.here import Here
from tests.live_server import LiveServer

Bytes = bytearray


@pytest.fixture
def bundle(index: FakeIndex, tmp_path: Path) -> Path:
    path = tmp_path / "acme.tar"
    assert create(uv_lock(index, tmp_path), output=path).code == 0
    return path


def places(bundle: Path) -> dict[str, tuple[int, int, int]]:
    """Where each member has its header, its first byte and its end."""
    with tarfile.open(bundle) as archive:
        return {member.name: (member.offset, member.offset_data, member.offset_data + member.size) for member in archive}


def check_refused(bundle: Path, there: Here, *named: str) -> None:
    """The refusal names the part, and the other side is as empty as before."""
    refused = bring(bundle, there)
    assert refused.code == 1, refused.out + refused.err
    assert any(name in refused.document["detail"] for name in named), refused.document
    assert "Traceback" not in refused.err
    assert there.counts().files == 0
    assert there.serial() == 0
    assert [path for path in (there.data / "blobs").rglob("*") if path.is_file()] == []
    assert list((there.data / "staging").iterdir()) == []


def test_a_changed_byte_is_found_wherever_it_is(bundle: Path, there: Here) -> None:
    whole = bundle.read_bytes()
    found = places(bundle)
    assert len(found) > 20
    for name, (head, first, end) in found.items():
        for position in {head, head + 130, head + 511, first, (first + end) // 2, end - 1, end if end % 512 else first}:
            damaged = bytearray(whole)
            damaged[position] ^= 1
            bundle.write_bytes(damaged)
            damage_is_refused(bundle, there, name, *(["manifest"] if name in {"manifest.json", "SHA256SUMS"} else []))
    for position in (-1, -1024):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        bundle.write_bytes(damaged)
        damage_is_refused(bundle, there, "end mark")


def damage_is_refused(bundle: Path, there: Here, *named: str) -> None:
    """As `check_refused`, in this process: there are hundreds of places."""
    from purveyor.errors import Refused  # noqa: PLC0415 - the rest of this file asks the command
    from purveyor.formats.bundle_reader import BundleReader  # noqa: PLC0415 - likewise

    with bundle.open("rb") as source, pytest.raises(Refused) as refused:
        BundleReader(source).verify()
    assert any(name in refused.value.detail for name in named), refused.value.detail
    assert not there.data.exists()


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "simple/index.html", "simple/acme-core/index.json", ".whl", ".metadata"])
def test_the_command_refuses_it_and_nothing_stays_behind(bundle: Path, there: Here, name: str) -> None:
    path, (_, first, end) = next((path, place) for path, place in places(bundle).items() if path.endswith(name))
    damaged = bytearray(bundle.read_bytes())
    damaged[(first + end) // 2] ^= 1
    bundle.write_bytes(damaged)

    check_refused(bundle, there, path, "manifest.json")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda whole: whole[:-1], "cut off"),
        (lambda whole: whole[: len(whole) // 2], "cut off"),
        (lambda whole: whole + b"\0", "followed by 1 byte"),
        (lambda whole: whole + whole, "followed by"),
        (lambda whole: whole[:100], "not a bundle"),
        (lambda _: b"", "not a bundle"),
        (lambda whole: b"\x1f\x8b" + whole, "not a bundle"),
    ],
)
def test_a_file_of_another_length_is_refused(bundle: Path, there: Here, change: Callable[[bytes], bytes], named: str) -> None:
    bundle.write_bytes(change(bundle.read_bytes()))

    check_refused(bundle, there, named)


def archive_of(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "extra",
    [
        entry("../../outside"),
        entry("/outside"),
        entry("packages/link", tarfile.SYMTYPE, "/etc/passwd"),
        entry("packages/link", tarfile.LNKTYPE, "../outside"),
        entry("packages/null", tarfile.CHRTYPE),
        entry("packages/pipe", tarfile.FIFOTYPE),
        entry("packages/folder", tarfile.DIRTYPE),
        entry("manifest.json"),
    ],
    ids=["above", "absolute", "symlink", "hard link", "device", "pipe", "directory", "second manifest"],
)
@pytest.mark.parametrize("place", ["first", "in the midst", "last"])
def test_what_the_manifest_does_not_name_is_refused(bundle: Path, there: Here, extra: tarfile.TarInfo, place: str) -> None:
    with tarfile.open(bundle) as archive:
        entries = [(info, archive.extractfile(info).read()) for info in archive]  # type: ignore[union-attr] # all are files
    entries.insert({"first": 0, "in the midst": 3, "last": len(entries)}[place], (extra, b""))
    bundle.write_bytes(archive_of(*entries))

    check_refused(bundle, there, "")
    assert not (there.data.parent / "outside").exists()


def rewritten(bundle: Path, change: Callable[[dict[str, object]], object]) -> None:
    """The bundle with another manifest, sums that agree with it, and headers as they must be."""
    with tarfile.open(bundle) as archive:
        members = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr] # likewise
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    members["manifest.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
    names = [name for name in members if name != "SHA256SUMS"]
    members["SHA256SUMS"] = "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in names).encode()
    parts = [header(name, len(data)) + data + padding(len(data)) for name, data in members.items()]
    bundle.write_bytes(b"".join(parts) + END)


def first_file(manifest: dict[str, object]) -> dict[str, object]:
    file: dict[str, object] = manifest["projects"][0]["files"][0]  # type: ignore[index] # JSON
    return file


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(format=2),
        lambda manifest: manifest.update(surprise=1),
        lambda manifest: manifest.update(projects=[]),
        lambda manifest: manifest["projects"].append(manifest["projects"][0]),
        lambda manifest: manifest["projects"][0].update(name="../acme"),
        lambda manifest: manifest["projects"][0].update(display_name="other"),
        lambda manifest: manifest["pages"][0].update(path="../../outside"),
        lambda manifest: first_file(manifest).update(filename="../../outside-1.0-py3-none-any.whl"),
        lambda manifest: first_file(manifest).update(filename="acme_app-2.0-py3-none-any.whl"),
        lambda manifest: first_file(manifest).update(sha256="../../etc"),
        lambda manifest: first_file(manifest).update(size=1 << 62),
        lambda manifest: first_file(manifest).update(size=-1),
        lambda manifest: first_file(manifest).update(version="9.9"),
        lambda manifest: first_file(manifest).update(requires_python=">=3.99"),
        lambda manifest: first_file(manifest).update(metadata_sha256="0" * 64),
        lambda manifest: first_file(manifest).update(uploaded_at="yesterday"),
        lambda manifest: first_file(manifest).update(yanked="\ud800"),
    ],
)
def test_a_manifest_that_lies_is_refused_though_its_sums_are_right(bundle: Path, there: Here, change: Callable[..., object]) -> None:
    rewritten(bundle, change)

    check_refused(bundle, there, "")


def test_a_manifest_that_is_left_as_it_is_is_accepted_after_the_same_treatment(bundle: Path, there: Here) -> None:
    """Or else the test above would say nothing."""
    rewritten(bundle, lambda _manifest: None)

    assert bring(bundle, there).code == 0


def test_a_file_that_is_no_distribution_is_refused(index: FakeIndex, there: Here, tmp_path: Path) -> None:
    """What an index would not take in an upload or import it does not take from a bundle."""
    bundle = tmp_path / "acme.tar"
    create(uv_lock(index, tmp_path), output=bundle)
    name, data = FAMILY[0]
    broken = data.replace(b"acme_app-1.0.dist-info/RECORD", b"acme_app-1.0.dist-info/RECORX")
    whole = bundle.read_bytes().replace(data, broken)
    bundle.write_bytes(whole.replace(hashlib.sha256(data).hexdigest().encode(), hashlib.sha256(broken).hexdigest().encode()))
    rewritten_by_hand(bundle, hashlib.sha256(data).hexdigest(), hashlib.sha256(broken).hexdigest())

    check_refused(bundle, there, name)


def rewritten_by_hand(bundle: Path, before: str, after: str) -> None:
    """Paths hold the digest in three parts, and headers their own sums."""
    old, new = (f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}" for digest in (before, after))
    with tarfile.open(bundle, errorlevel=0) as archive:
        raw = bundle.read_bytes()
        found = [(info.name, raw[info.offset_data : info.offset_data + info.size]) for info in archive]
    members = {name.replace(old, new): data.replace(old.encode(), new.encode()) for name, data in found}
    manifest = json.loads(members["manifest.json"])
    for page in manifest["pages"]:
        page["sha256"] = hashlib.sha256(members[page["path"]]).hexdigest()
    members["manifest.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
    names = [name for name in members if name != "SHA256SUMS"]
    members["SHA256SUMS"] = "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in names).encode()
    bundle.write_bytes(b"".join(header(name, len(data)) + data + padding(len(data)) for name, data in members.items()) + END)


def test_other_bytes_under_a_name_that_is_taken_refuse_the_whole_bundle(bundle: Path, server: LiveServer) -> None:
    taken = wheel("acme-core", "1.5", {"acme_core.py": "mine = True\n"})
    server.host(taken)

    refused = bring(bundle, Here(server.data))

    assert refused.code == 1
    assert "File already exists: acme_core-1.5-py3-none-any.whl" in refused.document["detail"]
    assert server.entries("acme-app") == []
    assert server.entries("winonly") == []
    assert server.files("acme-core") == dict([taken])
