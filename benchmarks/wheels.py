"""Valid wheels of an exact size, made of fixed pseudo-random bytes: equal arguments, equal bytes."""

import base64
import hashlib
import io
import random
import zipfile
from dataclasses import dataclass
from functools import cached_property

_MOMENT = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wheel:
    project: str
    version: str
    content: bytes
    metadata: bytes

    @property
    def filename(self) -> str:
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def metadata_sha256(self) -> str:
        return hashlib.sha256(self.metadata).hexdigest()


def wheel(project: str, version: str, size: int = 0) -> Wheel:
    """A wheel of exactly `size` bytes, or the smallest that is valid."""
    payload = 0
    built = _build(project, version, payload)
    while size and len(built.content) != size:
        # Entries are stored, so a byte more inside is a byte more outside; only the digits of the length in RECORD can surprise.
        payload += size - len(built.content)
        built = _build(project, version, payload)
    return built


def _build(project: str, version: str, payload: int) -> Wheel:
    module = project.replace("-", "_")
    folder = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nRequires-Python: >=3.9\nSummary: Made for measuring\n".encode()
    entries = {
        f"{module}/__init__.py": b"",
        f"{module}/data.bin": random.Random(f"{project} {version}").randbytes(payload),
        f"{folder}/METADATA": metadata,
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: benchmarks\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    entries[f"{folder}/RECORD"] = _record(entries, folder)
    return Wheel(project, version, _zip(entries), metadata)


def _record(entries: dict[str, bytes], folder: str) -> bytes:
    lines = [f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in entries.items()]
    return "".join([*lines, f"{folder}/RECORD,,\n"]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, data in entries.items():
            info = zipfile.ZipInfo(path, _MOMENT)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    return out.getvalue()
