"""A file that was found to be right becomes part of the index, wherever the index keeps its files."""

from purveyor.interfaces import BlobStore, Catalog, NewFile, Staging
from purveyor.model.files import DistributionFile
from purveyor.model.indexes import DEFAULT
from purveyor.publishing.inspecting import Inspected
from purveyor.publishing.landing import Landing


def keep(
    catalog: Catalog, blobs: BlobStore, landing: Landing | None, *, staging: Staging, new: NewFile, inspected: Inspected
) -> DistributionFile:
    """With `landing` and in the default index as a file of the folder that is served, else as a blob.

    Durable and visible to every reader on return.
    """
    if landing is not None and new.index == DEFAULT:
        return landing.keep(staging, new, inspected.raw if inspected.offered else None)
    # Blobs first, or in the same commit as the row that points at them: an orphan blob is harmless, a row without its blob impossible.
    with blobs.stage() as beside:
        staged = [(staging, new.file.sha256)]
        if new.file.metadata_sha256 is not None:
            beside.write(inspected.raw)
            staged.append((beside, new.file.metadata_sha256))
        with blobs.keep(staged) as unsettled:
            return catalog.add_file(new, unsettled)
