"""The ports: what the use cases ask of the world. Each is a small Protocol; `testing/contracts.py` says what every adapter must do."""

from purveyor.interfaces.audit import Audit, NamedBlob, Role, WrongSerial
from purveyor.interfaces.blobs import BlobStore, FarBlobs, Gate, OwnBlobs, Staging, StoredBlob
from purveyor.interfaces.catalog import Catalog, ChangeSignal, Counts, Newest, NewFile
from purveyor.interfaces.folders import Folder, FolderFile, FolderIndex, Listing, Verdict
from purveyor.interfaces.operation import Around, Check, Checks, Gauge, NoTracer, Sibling, Siblings, Span, Tracer, unwatched
from purveyor.interfaces.promotions import Promotions
from purveyor.interfaces.remote import (
    FetchedPage,
    FilePart,
    PulledBlob,
    PulledBlobs,
    RemoteFile,
    Snapshot,
    Snapshots,
    Unchanged,
    Upstream,
    Validators,
)
from purveyor.interfaces.tables import Move, Originals, Phase, Tables, TablesSnapshot

__all__ = [
    "Around",
    "Audit",
    "BlobStore",
    "Catalog",
    "ChangeSignal",
    "Check",
    "Checks",
    "Counts",
    "FarBlobs",
    "FetchedPage",
    "FilePart",
    "Folder",
    "FolderFile",
    "FolderIndex",
    "Gate",
    "Gauge",
    "Listing",
    "Move",
    "NamedBlob",
    "NewFile",
    "Newest",
    "NoTracer",
    "Originals",
    "OwnBlobs",
    "Phase",
    "Promotions",
    "PulledBlob",
    "PulledBlobs",
    "RemoteFile",
    "Role",
    "Sibling",
    "Siblings",
    "Snapshot",
    "Snapshots",
    "Span",
    "Staging",
    "StoredBlob",
    "Tables",
    "TablesSnapshot",
    "Tracer",
    "Unchanged",
    "Upstream",
    "Validators",
    "Verdict",
    "WrongSerial",
    "unwatched",
]
