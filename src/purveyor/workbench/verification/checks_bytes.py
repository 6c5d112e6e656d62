"""Check 4: what the page states of each file of a release is true of the bytes that come."""

import hashlib
import lzma
import tarfile
import zipfile
import zlib
from email.parser import BytesHeaderParser
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from purveyor.formats.simple_reader import OfferedFile
from purveyor.workbench.verification.fetching import Download, IndexClient
from purveyor.workbench.verification.offer import Offer
from purveyor.workbench.verification.results import CheckResult, Findings

MOST_BYTES = 512 << 20
"""Bytes downloaded for this check at most; the files beyond are named as not looked at."""

_METADATA_LIMIT = 16 << 20
_KNOWN_HASHES = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5", "blake2b")
_REPUBLISH = "Somebody or something changed the file or the page: publish the file again, and look for what tampers with it."
_METADATA = "Serve METADATA beside the wheel, byte for byte, or stop stating core-metadata: pip and uv stop the install."


def bytes_agree(client: IndexClient, offer: Offer, folder: Path) -> CheckResult:
    """Check 4. Each file is on disk only while it is looked at."""
    findings = Findings(4)
    looked_at = total = 0
    for file in sorted(offer.release, key=lambda file: file.size or 0):
        if total + (file.size or 0) > MOST_BYTES:
            findings.saw(f"{file.filename} was not downloaded: {MOST_BYTES >> 20} MB are enough for a check.")
            continue
        algorithms = tuple(name for name in file.hashes if name in _KNOWN_HASHES)
        download = client.download(file.url, folder / "file", algorithms, MOST_BYTES)
        looked_at, total = looked_at + 1, total + download.size
        if _bytes_are_right(file, download, findings):
            _note_metadata(client, file, _core_metadata(file.filename, download.path), findings)
    findings.saw(f"Downloaded {looked_at} of {len(offer.release)} files of {offer.name} {offer.version}, {total} bytes.")
    return findings.result()


def _bytes_are_right(file: OfferedFile, download: Download, findings: Findings) -> bool:
    """Whether the download is whole; a wrong hash or size is noted, and its content looked at no further."""
    if not download.answer.ok:
        findings.fault(
            f"{file.filename}: {file.url} {download.answer.outcome}.",
            "Put the file where its link leads, and see that no proxy cuts answers short.",
        )
        return False
    if download.answer.cut:
        findings.saw(f"{file.filename} has more than {MOST_BYTES >> 20} MB; it was not read to its end.")
        return False
    if encoded := download.answer.headers.get("content-encoding", "identity") not in ("identity", ""):
        findings.fault(
            f"{file.filename} is sent with Content-Encoding {download.answer.headers['content-encoding']}.",
            "Send distribution files as they are: clients hash what they unpack, and refuse it.",
        )
    agreed = not encoded and _hashes_agree(file, download, findings)
    if file.size is not None and file.size != download.size:
        findings.fault(f"{file.filename}: the page says {file.size} bytes, {download.size} came.", _REPUBLISH)
        return False
    return agreed


def _hashes_agree(file: OfferedFile, download: Download, findings: Findings) -> bool:
    wrong = [name for name, digest in download.digests.items() if file.hashes[name] != digest]
    for name in wrong:
        findings.fault(
            f"{file.filename}: the page says {name} {file.hashes[name]}, the bytes have {download.digests[name]}.",
            _REPUBLISH,
        )
    if "sha256" not in file.hashes:
        findings.saw(f"{file.filename} has no sha256 on the page ({', '.join(file.hashes) or 'no hash'}); lock files want it.")
    return not wrong


def _note_metadata(client: IndexClient, file: OfferedFile, own: bytes | None, findings: Findings) -> None:
    if own is None:
        findings.fault(f"{file.filename} has no core metadata that can be read.", "Build the file again with `purveyor build`.")
        return
    _note_requires_python(file, own, findings)
    if not file.metadata_offered:
        findings.saw(f"{file.filename}: no .metadata is offered; installers read the file itself instead.")
        return
    answer = client.page(file.metadata_url, "*/*", _METADATA_LIMIT)
    if not answer.ok:
        findings.fault(f"{file.filename}: core-metadata is stated, but {file.metadata_url} {answer.outcome}.", _METADATA)
        return
    for name, stated in file.metadata_hashes.items():
        if name in _KNOWN_HASHES and hashlib.new(name, answer.body).hexdigest() != stated:
            findings.fault(f"{file.filename}: its .metadata does not have the {name} that the page states.", _METADATA)
    if answer.body != own:
        findings.fault(f"{file.filename}: its .metadata is not the core metadata inside the file.", _METADATA)


def _note_requires_python(file: OfferedFile, own: bytes, findings: Findings) -> None:
    inside = BytesHeaderParser().parsebytes(own).get("Requires-Python")
    if _same_specifiers(file.requires_python, inside):
        return
    if file.requires_python is None:
        findings.saw(f"{file.filename} requires Python {inside}; the page does not say so, so installers learn it late.")
        return
    findings.fault(
        f"{file.filename}: the page says requires-python {file.requires_python!r}, its metadata {inside!r}.",
        "Let the index read requires-python from the file, not from the upload form.",
    )


def _same_specifiers(one: str | None, other: str | None) -> bool:
    if not one or not other:
        return not one and not other
    try:
        return SpecifierSet(one) == SpecifierSet(other)
    except InvalidSpecifier:
        return one.strip() == other.strip()


def _core_metadata(filename: str, path: Path) -> bytes | None:
    try:
        return _from_zip(path, filename) if filename.endswith((".whl", ".zip")) else _from_tar(path)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError, OSError, EOFError, RuntimeError, KeyError, ValueError):
        return None


def _from_zip(path: Path, filename: str) -> bytes | None:
    ending = ".dist-info/METADATA" if filename.endswith(".whl") else "/PKG-INFO"
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(ending) and info.filename.count("/") == 1 and info.file_size <= _METADATA_LIMIT:
                return archive.read(info)
    return None


def _from_tar(path: Path) -> bytes | None:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            parts = member.name.removeprefix("./").split("/")
            if parts[1:] == ["PKG-INFO"] and member.isfile() and member.size <= _METADATA_LIMIT:
                content = archive.extractfile(member)
                return content.read() if content else None
    return None
