"""Writes a bundle: beside its place first, and there in one step."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from purveyor.errors import Refused
from purveyor.formats.bundle_archive import END, header, members, padding, page_member, pages, sums
from purveyor.formats.bundle_document import write_manifest
from purveyor.formats.bundle_reader import BundleReader
from purveyor.model.bundles import Bundle, Member
from purveyor.workbench.bundling.gathering import Gathered, projects_of

_PIECE = 1 << 20


class About(Struct, frozen=True):
    """What the manifest says beside the files."""

    created: datetime
    indexes: Sequence[str]
    pythons: Sequence[str]
    platforms: Sequence[str]


def assembled(gathered: Sequence[Gathered], about: About) -> tuple[Bundle, dict[str, bytes]]:
    """The bundle, and the bytes of its small members, by their paths or their sha256."""
    projects = projects_of(gathered)
    rendered = dict(pages(projects))
    metadata = {one.file.filename: one.metadata for one in gathered if one.metadata is not None}
    bundle = Bundle(
        about.created,
        tuple(sorted(about.indexes)),
        tuple(about.pythons),
        tuple(about.platforms),
        projects,
        {filename: len(raw) for filename, raw in metadata.items()},
        tuple(page_member(path, body) for path, body in rendered.items()),
    )
    return bundle, rendered | {hashlib.sha256(raw).hexdigest(): raw for raw in metadata.values()}


def write(bundle: Bundle, small: dict[str, bytes], partial: Path, output: Path) -> None:
    """`partial` holds the distribution files under their sha256. Durable under its name on return."""
    manifest = write_manifest(bundle)
    first, second, *_ = members(bundle, manifest)
    known = {first.path: manifest, second.path: sums(bundle, manifest), **small}
    under_way = partial / "bundle"
    with under_way.open("wb") as file:
        for member in members(bundle, manifest):
            file.write(header(member.path, member.size))
            _copy(member, known.get(member.path, known.get(member.sha256)), partial, file)
            file.write(padding(member.size))
        file.write(END)
        file.flush()
        os.fsync(file.fileno())
    under_way.replace(output)
    _sync(output.parent)


def reuse(output: Path, partial: Path, tell: Callable[[str], None]) -> Bundle | None:
    """Lay what an earlier bundle of that name holds ready, so that it need not be fetched again; that bundle, if it is one."""
    with suppress(FileNotFoundError), output.open("rb") as source:
        try:
            reader = BundleReader(source)
            reader.verify()
        except Refused as refused:
            tell(f"{output} is there and is used for nothing: {refused.detail}")
            return None
        for member in members(reader.bundle, reader.manifest):
            if (target := partial / member.sha256).exists() or not member.path.startswith("packages/"):
                continue
            with target.open("wb") as copy:
                copy.writelines(reader.pieces(member))
        return reader.bundle
    return None


def _copy(member: Member, content: bytes | None, partial: Path, target: BinaryIO) -> None:
    if content is not None:
        target.write(content)
        return
    with (partial / member.sha256).open("rb") as source:
        shutil.copyfileobj(source, target, _PIECE)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
