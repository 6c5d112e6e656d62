"""The archive is one that any reader of tar archives understands, and the manifest says what was put into it."""

import io
import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from purveyor.formats.bundle_archive import END, header, padding, page_member, pages
from purveyor.formats.bundle_document import read_manifest, write_manifest
from purveyor.model.bundles import Bundle
from purveyor.model.files import DistributionFile, Kind, Yanked
from purveyor.model.names import normalize
from purveyor.model.projects import ProjectDetail, ProjectStatus, Status

PATHS = st.tuples(
    st.text("ab/.-", max_size=60).map(lambda text: f"top/{text.strip('/.')}".rstrip("/")), st.text("abc._-+!", min_size=1, max_size=240)
)
MOMENTS = st.integers(0, 10**15).map(lambda micros: datetime(1998, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
TEXTS = st.text(max_size=40).filter(lambda text: text.isprintable())
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(PATHS.map("/".join), st.binary(max_size=1200))
def test_every_reader_of_tar_archives_finds_the_same_path_and_bytes(path: str, data: bytes) -> None:
    archive = io.BytesIO(header(path, len(data)) + data + padding(len(data)) + END)

    with tarfile.open(fileobj=archive) as read:
        (member,) = read.getmembers()
        content = read.extractfile(member)
        assert content is not None
        assert (member.name, content.read(), member.isreg()) == (path, data, True)


def test_a_file_of_more_than_eight_gigabytes_has_its_size_in_both_worlds() -> None:
    head = header("packages/large", 9 << 30)

    info = tarfile.TarFile.open(fileobj=io.BytesIO(head + END), mode="r:").next()

    assert info is not None
    assert info.size == 9 << 30


@st.composite
def bundles(draw: Any) -> Bundle:
    files = []
    for minor in sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=4))):
        metadata = draw(st.none() | DIGESTS)
        files.append(
            DistributionFile(
                filename=f"acme-1.{minor}-py3-none-any.whl",
                project=normalize("acme"),
                version=f"1.{minor}",
                kind=Kind.WHEEL,
                size=draw(st.integers(0, 1 << 40)),
                sha256=draw(DIGESTS),
                uploaded_at=draw(st.none() | MOMENTS),
                metadata_sha256=metadata,
                requires_python=draw(st.none() | TEXTS),
                yanked=draw(st.none() | TEXTS.map(Yanked)),
                origin=draw(st.none() | TEXTS),
            )
        )
    status = ProjectStatus(draw(st.sampled_from(Status)), draw(TEXTS))
    projects = (ProjectDetail(normalize("acme"), "Acme", status, tuple(files)),)
    sizes = {file.filename: draw(st.integers(0, 1 << 20)) for file in files if file.metadata_sha256}
    rendered = tuple(page_member(path, body) for path, body in pages(projects))
    return Bundle(draw(MOMENTS), tuple(draw(st.lists(TEXTS))), ("3.13",), ("linux_x86_64",), projects, sizes, rendered)


@given(bundles())
def test_what_is_written_into_a_manifest_is_read_from_it(bundle: Bundle) -> None:
    assert read_manifest(write_manifest(bundle)) == bundle
