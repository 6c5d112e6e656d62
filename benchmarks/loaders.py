"""Gives each server a site without uploading it: files where the server keeps them, rows where it keeps rows."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from packaging.utils import canonicalize_name

from benchmarks.stock import Stock, StockedWheel
from purveyor.formats import simple_json
from purveyor.formats.links import file_path
from purveyor.formats.project_list import write_list
from purveyor.model.files import DistributionFile, Kind
from purveyor.model.projects import ProjectDetail, ProjectStatus

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class NotOffered(Exception):
    """What the server cannot do, or not within reason, in a few words."""


def nginx(stock: Stock, data: Path) -> None:
    """The pages are Purveyor's own, byte for byte, so that both send the same; compressed as well as gzip can."""
    www = data / "www"
    names = list(stock.names)
    for project, files in _described(stock, www):
        names.append(project)
        detail = ProjectDetail(canonicalize_name(project), project, ProjectStatus(), tuple(files))
        _write_page(www / "simple" / project, simple_json.write_detail(detail))
    pages = write_list(simple_json, ((canonicalize_name(name), name) for name in sorted(names)))
    _write_page(www / "simple", b"".join(pages))


def _described(stock: Stock, www: Path) -> Iterable[tuple[str, list[DistributionFile]]]:
    for project, wheels in groupby(stock.wheels, key=lambda each: each.project):
        files = []
        for number, wheel in enumerate(wheels):
            file = describe(wheel, number)
            path = www / file_path(file.sha256, file.filename)
            link(wheel.content, path)
            link(wheel.metadata, path.with_name(path.name + ".metadata"))
            files.append(file)
        yield project, files


def describe(wheel: StockedWheel, number: int) -> DistributionFile:
    return DistributionFile(
        filename=wheel.filename,
        project=canonicalize_name(wheel.project),
        version=wheel.version,
        kind=Kind.WHEEL,
        size=wheel.size,
        sha256=wheel.sha256,
        uploaded_at=MOMENT + timedelta(seconds=number),
        uploaded_by="benchmarks",
        metadata_sha256=wheel.metadata_sha256,
        requires_python=">=3.9",
    )


def _write_page(folder: Path, body: bytes) -> None:
    write(folder / "index.json", body)
    write(folder / "index.json.gz", gzip.compress(body, 9, mtime=0))


def pypiserver(stock: Stock, data: Path) -> None:
    if stock.names:
        raise NotOffered("a project exists only through a file, and the list reads every file's name again")
    for wheel in stock.wheels:
        link(wheel.content, data / "files" / wheel.filename)
    (data / "files").mkdir(exist_ok=True)


def pypiron(stock: Stock, data: Path) -> None:
    """Its truth is the files with a few words beside each; `rebuild-index` makes the pages from them."""
    for number, wheel in enumerate(stock.wheels):
        path = data / "packages" / wheel.project / wheel.filename
        link(wheel.content, path)
        link(wheel.metadata, path.with_name(path.name + ".metadata"))
        write(path.with_name(path.name + ".meta.json"), json.dumps(_pypiron_row(wheel, number)).encode())
        write(path.parent / ".origin", json.dumps({"origin": "private", "nonce": f"{number:032x}"}).encode())
    if stock.names:
        # Its own list, written as it writes it: rebuilding it from 880,000 directories would measure the disk.
        write(
            data / "simple" / "index.json",
            b"".join(write_list(simple_json, ((canonicalize_name(name), name) for name in stock.names))),
        )
    else:
        program = Path(sys.executable).parent / "pypiron"
        subprocess.run([program, "rebuild-index", "--data-dir", data], check=True, capture_output=True)


def _pypiron_row(wheel: StockedWheel, number: int) -> dict[str, object]:
    moment = MOMENT + timedelta(seconds=number)
    return {
        "sha256": wheel.sha256,
        "size": wheel.size,
        "version": wheel.version,
        "requires-python": ">=3.9",
        "upload-time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "upload-epoch-ms": int(moment.timestamp() * 1000),
        "yanked": False,
        "origin": "private",
    }


def link(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # two files of equal content are one blob
        path.hardlink_to(source)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
