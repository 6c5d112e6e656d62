"""The file an installer would take, downloaded: whether its bytes are those the page states, and what a wheel lets one import."""

import lzma
import shlex
import zipfile
import zlib
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path

from purveyor.formats.simple_reader import OfferedFile
from purveyor.workbench.diagnosis.findings import Finding
from purveyor.workbench.diagnosis.fitting import is_wheel
from purveyor.workbench.verification.fetching import Download, IndexClient
from purveyor.workbench.verification.import_names import Installed, import_names, is_stub_only

MOST_BYTES = 64 << 20
"""A file larger than this is not downloaded: the doctor is to answer within seconds."""

_METADATA_LIMIT = 16 << 20
_HASHES = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")


def look_at_file(client: IndexClient, name: str, file: OfferedFile, folder: Path) -> Iterator[Finding]:
    if (file.size or 0) > MOST_BYTES:
        yield _not_compared(file)
        return
    download = client.download(file.url, folder / "file", tuple(one for one in file.hashes if one in _HASHES), MOST_BYTES)
    if download.answer.cut:
        yield _not_compared(file)
    elif not download.answer.ok:
        yield Finding(
            "file-missing",
            f"{file.filename} is listed, but {file.url} {download.answer.outcome}.",
            "The page was made when the file was elsewhere, or the file was taken away beneath the index.",
            f"Publish {file.filename} again, or put it where its link leads.",
        )
    elif wrong := _wrong_hash(file, download):
        yield wrong
    elif is_wheel(file):
        yield from _importable(name, file, download.path)


def _not_compared(file: OfferedFile) -> Finding:
    return Finding(
        "file-not-compared",
        f"{file.filename} has more than {MOST_BYTES >> 20} MB and was not downloaded.",
        "Hash and import names of a file that large are not looked at here.",
        "`purveyor verify` downloads it.",
    )


def _wrong_hash(file: OfferedFile, download: Download) -> Finding | None:
    wrong = next((name for name, digest in download.digests.items() if file.hashes[name].lower() != digest), None)
    if wrong is None:
        return None
    return Finding(
        "file-hash-differs",
        f"{file.filename}: the page says {wrong} {file.hashes[wrong]}, the bytes have {download.digests[wrong]}.",
        "The file or the page was changed after it was made, by a person, a broken disk or a proxy; every installer refuses it.",
        "Find out who changed it; then publish the true file under a new version, or make the page anew from the file.",
    )


def _importable(name: str, file: OfferedFile, path: Path) -> Iterator[Finding]:
    try:
        with zipfile.ZipFile(path) as wheel:
            installed = _as_installed(wheel)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, KeyError, ValueError) as error:
        yield Finding(
            "wheel-broken",
            f"{file.filename} is not a wheel that can be read ({' '.join(str(error).split())[:120]}).",
            "Its bytes are what the index states, so it was broken when it was published.",
            "Build it again, and publish it under a new version.",
            "purveyor build",
        )
        return
    names = import_names(installed).offered
    if names and name.replace("-", "_") not in {one.lower() for one in names}:
        yield Finding(
            "import-name-differs",
            f"The project {name} is imported as {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}.",  # noqa: PLR2004 - shown
            f"{file.filename} has no module named {name.replace('-', '_')}; a project's name and its modules' names are independent.",
            f"Write `import {names[0]}`.",
            f"python -c {shlex.quote(f'import {names[0]}')}",
        )
    elif not names and not installed.scripts and not installed.requires and not is_stub_only(installed.files):
        yield Finding(
            "nothing-to-import",
            f"{file.filename} has no module that could be imported{_shown(installed)}.",
            "It installs without an error and leaves nothing: most often the build did not find the sources.",
            "Correct the build configuration (`src` or flat layout), raise the version, and publish it again.",
            "purveyor publish",
        )


def _shown(installed: Installed) -> str:
    rest = [file for file in installed.files if ".dist-info/" not in file]
    return f"; it has {', '.join(rest[:5])}" if rest else ""


def _as_installed(wheel: zipfile.ZipFile) -> Installed:
    """What an environment would know of the wheel once it is installed there."""
    files = tuple(_place(info.filename) for info in wheel.infolist() if not info.is_dir())
    about = {info.filename.rpartition("/")[2]: info for info in wheel.infolist() if ".dist-info/" in info.filename}
    if "METADATA" not in about:
        raise ValueError("it has no METADATA")

    def read(name: str) -> bytes:
        return wheel.read(about[name]) if name in about and about[name].file_size <= _METADATA_LIMIT else b""

    metadata = BytesHeaderParser().parsebytes(read("METADATA"))
    return Installed(
        version=str(metadata.get("Version")),
        files=files,
        top_level=tuple(read("top_level.txt").decode(errors="replace").split()),
        import_names=_all(metadata, "Import-Name"),
        import_namespaces=_all(metadata, "Import-Namespace") or (),
        requires=_all(metadata, "Requires-Dist") or (),
        scripts=_scripts(read("entry_points.txt").decode(errors="replace"), files),
    )


def _all(metadata: Message, field: str) -> tuple[str, ...] | None:
    values = metadata.get_all(field)
    return None if values is None else tuple(map(str, values))


def _scripts(entry_points: str, files: tuple[str, ...]) -> tuple[str, ...]:
    sections = entry_points.split("[")
    lines = [line for section in sections if section.startswith(("console_scripts]", "gui_scripts]")) for line in section.splitlines()[1:]]
    return (*(line.partition("=")[0].strip() for line in lines if "=" in line), *(file for file in files if ".data/scripts/" in file))


def _place(path: str) -> str:
    """Where a file lands: `NAME.data/purelib/x.py` beside the wheel's own modules (binary distribution format)."""
    head, _, rest = path.partition(".data/")
    kind, _, below = rest.partition("/")
    return below if head and kind in ("purelib", "platlib") else path
