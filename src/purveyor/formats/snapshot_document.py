"""A pulled project as we keep it: our own binary form, compressed. Disposable: what cannot be read is fetched again."""

from isal import isal_zlib
from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import replace

from purveyor.formats.codings import Damaged
from purveyor.model.files import DistributionFile, LateFiles
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectDetail

_LEVEL = 1


def _records(files: object) -> list[DistributionFile]:
    assert isinstance(files, LateFiles)  # everything else in a snapshot is a record already
    return list(files)


_ENCODER = Encoder(enc_hook=_records)
_DECODER = Decoder(ProjectDetail)


def write_snapshot(detail: ProjectDetail) -> bytes:
    packed: bytes = isal_zlib.compress(_ENCODER.encode(detail), _LEVEL)
    return packed


def read_snapshot(data: bytes, name: NormalizedName, serial: int) -> ProjectDetail:
    """Raises `ValueError` for what was written by something else."""
    try:
        detail = _DECODER.decode(isal_zlib.decompress(data))
    except (Damaged, MsgspecError) as error:
        raise ValueError("not a snapshot") from error
    if detail.name != name:
        raise ValueError("not a snapshot of that project")
    return replace(detail, files=tuple(detail.files), serial=serial)


def same(one: ProjectDetail, other: ProjectDetail) -> bool:
    """Whether they describe the same, whatever their serials."""
    return len(one.files) == len(other.files) and _comparable(one) == _comparable(other)


def _comparable(detail: ProjectDetail) -> ProjectDetail:
    return replace(detail, files=tuple(detail.files), serial=0)
