"""Wheels as they are built, and as they are forged."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from purveyor.errors import Refused
from purveyor.formats.archives import Limits, read_archive
from purveyor.model.files import parse_filename
from tests.distributions import core_metadata, wheel, zip_of
from tests.unit.hostile import (
    DIST_INFO,
    WHEEL_NAME,
    ZipEntry,
    deflated,
    record_line,
    wheel_entries,
    with_first,
    zip_bytes,
)
from tests.unit.hostile_wheels import HOSTILE, files_of, wide

LIMITS = Limits(unpacked_size=1 << 30, entries=1000, ratio=100)
Case = tuple[str, bytes, str]


def read(data: bytes, filename: str = WHEEL_NAME, limits: Limits = LIMITS) -> bytes:
    return read_archive(io.BytesIO(data), parse_filename(filename), limits).metadata


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_wheel_is_refused_with_a_sentence_that_names_the_fault(case: str) -> None:
    data, words = HOSTILE[case]
    with pytest.raises(Refused) as caught:
        read(data)
    assert words in str(caught.value)
    assert all(sentence.isascii() and sentence.endswith(".") for sentence in caught.value.complaints)


def test_the_forger_builds_a_right_wheel_when_nothing_is_changed() -> None:
    assert read(zip_bytes(wheel_entries())) == core_metadata("demo", "1.0")


def honest_wheels() -> Iterator[tuple[str, str, bytes]]:
    name, data = wheel("demo", "1.0")
    yield "plain", name, data
    yield "build tag", *wheel("demo", "1.0", build="1abc")
    yield "compressed tags", *wheel("demo", "1.0", tag="cp311.cp312-abi3.cp312-manylinux2014_x86_64")
    yield "local version", *wheel("demo", "1.0+cu.12")
    yield "version spelled otherwise", "demo-1.0.0-py3-none-any.whl", data
    yield "name spelled otherwise", "Demo-1.0-py3-none-any.whl", data
    yield (
        "directories",
        name,
        zip_bytes([ZipEntry(b"demo/", method=0, mode=0o040755), *wheel_entries({"demo/x.py": ""})]),
    )
    yield "deflated directory", name, zip_bytes([ZipEntry(b"demo/", mode=0o040755), *wheel_entries({"demo/x.py": ""})])
    yield "stored members", name, zip_bytes([replace(entry, method=0) for entry in wheel_entries()])
    yield "members in another order", name, zip_bytes(reversed(wheel_entries()))
    yield "no Unix mode", name, zip_bytes([replace(entry, mode=0) for entry in wheel_entries()])
    yield (
        "redundant ZIP64 sizes",
        name,
        zip_bytes(with_first(local={"extra": wide(240, len(deflated(b"answer = 42\n" * 20)))})),
    )
    yield "ZIP64 end record", name, zip_bytes(wheel_entries(), zip64={})
    full = {"entries": 0xFFFF, "here": 0xFFFF, "size": 0xFFFFFFFF, "start": 0xFFFFFFFF}
    yield "ZIP64 end record with the numbers", name, zip_bytes(wheel_entries(), zip64={}, end=full)
    yield "zipfile with force_zip64", name, _forced_zip64(data)
    yield (
        "another archive as a stored member",
        name,
        zip_bytes([replace(entry, method=0) for entry in wheel_entries({"inner.zip": data})]),
    )
    yield "vendored metadata", *wheel("demo", "1.0", {"demo/_vendor/six-1.0.dist-info/METADATA": "x"})
    yield (
        "scripts and data",
        *wheel("demo", "1.0", {"demo-1.0.data/scripts/run": "#!python\n", "demo-1.0.data/data/etc/x": ""}),
    )
    yield "non-ASCII path", *wheel("demo", "1.0", {"demo/größe 世界.txt": "x"})
    yield "comma and quote in a path", name, _quoted_record()
    yield "sizes left out of RECORD", name, _record_with(size="")
    yield "sha512 in RECORD", name, _record_with(algorithm="sha512")
    yield "padded hash in RECORD", name, _record_with(end="=")
    yield "signed RECORD", *wheel("demo", "1.0", record=_signed_record(), dist_info={"RECORD.jws": "{}"})
    yield (
        "commands",
        *wheel("demo", "1.0", dist_info={"entry_points.txt": "[console_scripts]\nrun = demo:main [x]\n[demo]\na:b=c\n"}),
    )
    yield (
        "licence",
        *wheel("demo", "1.0", metadata=["License-File: sub/LICENSE"], dist_info={"licenses/sub/LICENSE": "x"}),
    )
    yield (
        "licence of older metadata",
        *wheel("demo", "1.0", metadata=core_metadata("demo", "1.0", ["License-File: LICENSE"], metadata_version="2.1")),
    )
    yield (
        "large METADATA",
        *wheel("demo", "1.0", metadata=core_metadata("demo", "1.0", description="é世\n" * 1_000_000)),
    )
    yield "CRLF in WHEEL", *wheel("demo", "1.0", dist_info={"WHEEL": "Wheel-Version: 1.0\r\nTag: py3-none-any\r\n"})
    old = core_metadata("Demo.App", "1.0", metadata_version="2.0")
    folder = "Demo.App-1.0.dist-info"
    files = {f"{folder}/METADATA": old, f"{folder}/WHEEL": b"Wheel-Version: 1.0\n"}
    record = "".join(record_line(path, text) for path, text in files.items()).encode()
    yield "old spelling everywhere", "Demo.App-1.0-py2-none-any.whl", zip_of({**files, f"{folder}/RECORD": record})


def _forced_zip64(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files_of(data).items():
            with archive.open(path, "w", force_zip64=True) as member:
                member.write(text)
    return out.getvalue()


def _record_with(*, algorithm: str = "sha256", size: str | None = None, end: str = "") -> bytes:
    good = files_of(wheel("demo", "1.0")[1])
    good.pop(f"{DIST_INFO}/RECORD")
    lines = (record_line(path, data, algorithm=algorithm, size=size) for path, data in good.items())
    record = "".join(line.replace(",", f"{end},").replace(f"{end},", ",", 1) for line in lines)
    return wheel("demo", "1.0", record=record.encode())[1]


def _quoted_record() -> bytes:
    path = 'demo/a,"b".txt'
    record = files_of(wheel("demo", "1.0")[1])[f"{DIST_INFO}/RECORD"].decode()
    line = record_line('"demo/a,""b"".txt"', b"x")
    module = {"demo.py": '__version__ = "1.0"\n', path: b"x"}
    return wheel("demo", "1.0", cast("dict[str, str | bytes]", module), record=(record + line).encode())[1]


def _signed_record() -> bytes:
    record = files_of(wheel("demo", "1.0")[1])[f"{DIST_INFO}/RECORD"]
    return record + f"{DIST_INFO}/RECORD.jws,,\n".encode()


HONEST = {title: (name, data) for title, name, data in honest_wheels()}


@pytest.mark.parametrize("case", HONEST)
def test_an_odd_but_honest_wheel_is_accepted(case: str) -> None:
    name, data = HONEST[case]
    metadata = next(text for path, text in files_of(data).items() if path.count("/") == 1 and path.endswith("/METADATA"))
    assert read(data, name) == metadata


def test_every_complaint_about_a_wheel_is_told_at_once() -> None:
    entries = [replace(entry, data=b"Wheel-Version: 9.0\n") if entry.name.endswith(b"/WHEEL") else entry for entry in with_first()]
    with pytest.raises(Refused) as caught:
        read(zip_bytes([*entries, ZipEntry(b"../evil.py", b"x"), ZipEntry(b"two.py", mode=0o120777)]))
    assert len(caught.value.complaints) == 6


def test_a_flood_of_faults_gives_a_short_answer() -> None:
    with pytest.raises(Refused) as caught:
        read(zip_bytes([*wheel_entries(), *(ZipEntry(b"../%d" % number) for number in range(900))]))
    assert len(caught.value.complaints) == 21
    assert "more faults" in caught.value.complaints[-1]


def test_a_wheel_within_its_limits_is_accepted_to_the_last_byte() -> None:
    files = files_of(wheel("demo", "1.0")[1])
    exact = Limits(unpacked_size=sum(map(len, files.values())), entries=len(files), ratio=1)
    assert read(wheel("demo", "1.0")[1], limits=exact)


def test_a_tar_archive_is_no_wheel() -> None:
    out = io.BytesIO()
    tarfile.open(fileobj=out, mode="w").close()
    with pytest.raises(Refused, match="not a ZIP archive"):
        read(out.getvalue())
