"""Wheels and sdists built in memory, right by default; every part can be replaced to build a wrong one.

Equal arguments give equal bytes, so a test may build a file twice and compare.
"""

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

Files = Mapping[str, str | bytes]

_MOMENT = (2020, 2, 2, 0, 0, 0)


def core_metadata(name: str, version: str, lines: Iterable[str] = (), *, description: str = "", metadata_version: str = "2.4") -> bytes:
    """A METADATA or PKG-INFO file; `lines` are further fields, such as "Requires-Python: >=3.9"."""
    head = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}", *lines]
    return ("\n".join(head) + "\n" + (f"\n{description}" if description else "")).encode()


def wheel(
    name: str,
    version: str,
    modules: Files | None = None,
    metadata: Iterable[str] | bytes = (),
    *,
    tag: str = "py3-none-any",
    build: str = "",
    dist_info: Files | None = None,
    record: bytes | None = None,
) -> tuple[str, bytes]:
    """A wheel's filename and bytes.

    `modules` maps paths in the wheel to contents (default: one module named after the project); `metadata` is further
    METADATA lines, or the whole file; `dist_info` adds or replaces files of the .dist-info directory; `record` replaces
    the true RECORD.
    """
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    folder = f"{stem}.dist-info"
    if modules is None:
        modules = {f"{canonicalize_name(name).replace('-', '_')}.py": f'__version__ = "{version}"\n'}
    about = {
        "METADATA": metadata if isinstance(metadata, bytes) else core_metadata(name, version, metadata),
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        **(dist_info or {}),
    }
    files = _encoded({**modules, **{f"{folder}/{key}": value for key, value in about.items()}})
    files[f"{folder}/RECORD"] = _record(files, folder) if record is None else record
    return "-".join([stem, *([build] if build else []), tag]) + ".whl", zip_of(files)


def sdist(
    name: str,
    version: str,
    modules: Files | None = None,
    metadata: Iterable[str] | bytes = (),
    *,
    files: Files | None = None,
) -> tuple[str, bytes]:
    """An sdist's filename and bytes; `metadata` as for `wheel`; `files` adds or replaces files below the top."""
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    if modules is None:
        modules = {f"{canonicalize_name(name).replace('-', '_')}.py": f'__version__ = "{version}"\n'}
    content = {
        "PKG-INFO": metadata if isinstance(metadata, bytes) else core_metadata(name, version, metadata),
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n',
        **modules,
        **(files or {}),
    }
    return f"{stem}.tar.gz", tar_gz_of({f"{stem}/{path}": data for path, data in content.items()})


def zip_of(files: Files) -> bytes:
    """A zip archive of these files in this order, deflated, with one fixed time stamp."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in _encoded(files).items():
            info = zipfile.ZipInfo(path, _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def tar_gz_of(files: Files) -> bytes:
    """A gzipped pax archive of these files in this order, with one fixed time stamp."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, data in _encoded(files).items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _encoded(files: Files) -> dict[str, bytes]:
    return {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}


def _record(files: Mapping[str, bytes], folder: str) -> bytes:
    def line(path: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(data)}\n"

    return ("".join(line(path, data) for path, data in files.items()) + f"{folder}/RECORD,,\n").encode()
