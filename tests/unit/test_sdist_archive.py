"""Source distributions as they are built, and as they are forged."""

import gzip
import io
import tarfile
from collections.abc import Iterator

import pytest

from purveyor.errors import Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.model.files import parse_filename
from tests.distributions import core_metadata, sdist, zip_of
from tests.unit.hostile import SDIST_NAME, pax_records, sdist_entries, tar_entry, tar_gz
from tests.unit.hostile_sdists import HOSTILE

LIMITS = Limits(unpacked_size=1 << 30, entries=1000, ratio=100)


def read(data: bytes, filename: str = SDIST_NAME, limits: Limits = LIMITS) -> bytes:
    return read_archive(io.BytesIO(data), parse_filename(filename), limits).metadata


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_sdist_is_refused_with_a_sentence_that_names_the_fault(case: str) -> None:
    data, words = HOSTILE[case]
    with pytest.raises(Refused) as caught:
        read(data)
    assert words in str(caught.value)
    assert all(sentence.isascii() and sentence.endswith(".") for sentence in caught.value.complaints)


def test_the_forger_builds_a_right_sdist_when_nothing_is_changed() -> None:
    assert read(tar_gz(sdist_entries())) == core_metadata("demo", "1.0")


def by_tarfile(form: int, *, top: str = "demo-1.0", prefix: str = "") -> bytes:
    """An sdist as the standard library writes it, with directories, links, a long and a non-ASCII path."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as archive:

        def add(path: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
            info = tarfile.TarInfo(f"{prefix}{top}{path}")
            info.type, info.linkname, info.size = kind, link, len(data)
            archive.addfile(info, io.BytesIO(data))

        add("", kind=tarfile.DIRTYPE)
        add("/PKG-INFO", core_metadata("demo", "1.0"))
        add("/src", kind=tarfile.DIRTYPE)
        add("/src/größe.txt", b"x" * 2000)
        add("/src/" + "long/" * 40 + "x.py", b"x")
        add("/README", kind=tarfile.SYMTYPE, link="./src/größe.txt")
        add("/src/PKG-INFO", kind=tarfile.SYMTYPE, link="../PKG-INFO")
        add("/copy", kind=tarfile.LNKTYPE, link=f"{prefix}{top}/PKG-INFO")
    return out.getvalue()


def honest_sdists() -> Iterator[tuple[str, str, bytes]]:
    yield "plain", *sdist("demo", "1.0")
    yield "pax", SDIST_NAME, by_tarfile(tarfile.PAX_FORMAT)
    yield "GNU", SDIST_NAME, by_tarfile(tarfile.GNU_FORMAT)
    yield "leading ./", SDIST_NAME, by_tarfile(tarfile.PAX_FORMAT, prefix="./")
    yield "old spelling of the directory", "Demo-1.0.tar.gz", by_tarfile(tarfile.GNU_FORMAT, top="Demo-1.0")
    yield "version spelled otherwise", "demo-1.0.0.tar.gz", sdist("demo", "1.0")[1]
    yield "name with dashes in the directory", "my-demo-1.0.tar.gz", by_tarfile(tarfile.GNU_FORMAT, top="my-demo-1.0")
    yield (
        "git's commit",
        SDIST_NAME,
        tar_gz([tar_entry("pax_global_header", pax_records({"comment": "0" * 40}), kind=b"g"), *sdist_entries()]),
    )
    yield "directory of its own, named .", SDIST_NAME, tar_gz([tar_entry("./", kind=b"5"), *sdist_entries()])
    yield "pax size equal to the header's", SDIST_NAME, tar_gz(sdist_entries(tar_entry("demo-1.0/x", b"x", pax={"size": "1"})))
    yield "no padding to records", SDIST_NAME, tar_gz(sdist_entries(), tail=bytes(512))
    yield "zeros after gzip", SDIST_NAME, tar_gz(sdist_entries(), after=bytes(1000))
    yield "gzip with a name", SDIST_NAME, _named_gzip()
    yield "zip inside", *sdist("demo", "1.0", files={"tests/data.zip": zip_of({"x": b"x"})})
    yield "setup.py only", SDIST_NAME, tar_gz([sdist_entries()[0], tar_entry("demo-1.0/setup.py", b"setup()\n")])
    yield "licence", *sdist("demo", "1.0", metadata=["License-File: a/LICENSE"], files={"a/LICENSE": "x"})
    yield "PKG-INFO of the egg-info too", *sdist("demo", "1.0", files={"src/demo.egg-info/PKG-INFO": "x"})
    yield "large PKG-INFO", *sdist("demo", "1.0", metadata=core_metadata("demo", "1.0", description="é世\n" * 1_000_000))
    yield "a file twice", SDIST_NAME, tar_gz(sdist_entries(tar_entry("demo-1.0/demo.py", b"later wins\n")))


def _named_gzip() -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(filename="demo-1.0.tar", fileobj=out, mode="wb") as packed:
        packed.write(b"".join(sdist_entries()) + bytes(1024))
    return out.getvalue()


HONEST = {title: (name, data) for title, name, data in honest_sdists()}


@pytest.mark.parametrize("case", HONEST)
def test_an_odd_but_honest_sdist_is_accepted(case: str) -> None:
    name, data = HONEST[case]
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        path = next(path for path in archive.getnames() if path.removeprefix("./").count("/") == 1 and "/PKG-INFO" in path)
        member = archive.extractfile(path)
        assert member is not None
        assert read(data, name) == member.read()


def test_every_complaint_about_an_sdist_is_told_at_once() -> None:
    evil = [tar_entry("../x", b"x"), tar_entry("demo-1.0/l", kind=b"2", link="/x"), tar_entry("demo-1.0/fifo", kind=b"6")]
    with pytest.raises(Refused) as caught:
        read(tar_gz([*evil, tar_entry("demo-1.0/x")], after=b"more"))
    assert len(caught.value.complaints) == 4


def test_an_sdist_larger_than_memory_pieces_is_read_to_its_end() -> None:
    entries = sdist_entries(*(tar_entry(f"demo-1.0/{n}", bytes(range(256)) * 2000) for n in range(20)))
    assert read(tar_gz(entries)) == core_metadata("demo", "1.0")


def test_an_sdist_over_the_unpacked_size_is_refused() -> None:
    limits = Limits(unpacked_size=5000, entries=1000, ratio=100)
    with pytest.raises(Refused, match="more than 5000 bytes"):
        read(tar_gz(sdist_entries(tar_entry("demo-1.0/x", b"x" * 9000))), limits=limits)
