"""What `fsck` may find: the one table of codes, each with why it matters and what is done about it."""

from enum import StrEnum

from msgspec import Struct


class Code(StrEnum):
    """Documented in docs/reference/commands.md; programs may depend on them."""

    DATABASE_DAMAGED = "database-damaged"
    JOURNAL_GAP = "journal-gap"
    SERIAL_WRONG = "serial-wrong"
    ROW_WITHOUT_OWNER = "row-without-owner"
    FILE_MISSING = "file-missing"
    FILE_WRONG = "file-wrong"
    METADATA_MISSING = "metadata-missing"
    METADATA_WRONG = "metadata-wrong"
    METADATA_DIFFERS = "metadata-differs"
    PROVENANCE_MISSING = "provenance-missing"
    PROVENANCE_WRONG = "provenance-wrong"
    COPY_WRONG = "copy-wrong"
    UNSETTLED_WRONG = "unsettled-wrong"
    PAGE_WRONG = "page-wrong"
    UPLOAD_LOST = "upload-lost"


_FROM_BACKUP = "Restore the index from a backup."
_QUARANTINE = (
    "Put the content back from a backup; or take the file out of what is offered with `purveyor fsck --repair`, and upload the same again."
)
_EXTRACT = "`purveyor fsck --repair` takes it from the file once more."

WHY: dict[Code, str] = {
    Code.DATABASE_DAMAGED: "What is read from a damaged database cannot be relied on.",
    Code.JOURNAL_GAP: "Whoever follows the journal has missed what happened there.",
    Code.SERIAL_WRONG: "Whoever goes by the serial takes a page for current that is not.",
    Code.ROW_WITHOUT_OWNER: "It is offered nowhere, though its name is taken.",
    Code.FILE_MISSING: "Whoever asks for the file gets an error.",
    Code.FILE_WRONG: "Whoever asks for the file gets other bytes than the page says, and installers refuse them.",
    Code.METADATA_MISSING: "Installers ask for it before they take the file.",
    Code.METADATA_WRONG: "Installers refuse metadata whose hash is not that of the page.",
    Code.METADATA_DIFFERS: "Installers resolve by something else than what they will install.",
    Code.PROVENANCE_MISSING: "Nobody can see who made the file.",
    Code.PROVENANCE_WRONG: "Nobody can see who made the file.",
    Code.COPY_WRONG: "Whoever asks for it gets other bytes than the upstream promised.",
    Code.UNSETTLED_WRONG: "It would never be what the file's row says.",
    Code.PAGE_WRONG: "Installers see something else than what the database says.",
    Code.UPLOAD_LOST: "An upload that was acknowledged must never be lost.",
}
REMEDIES: dict[Code, str] = {
    Code.DATABASE_DAMAGED: _FROM_BACKUP,
    Code.JOURNAL_GAP: _FROM_BACKUP,
    Code.SERIAL_WRONG: "`purveyor fsck --repair` gives it a new one, with an entry in the journal.",
    Code.ROW_WITHOUT_OWNER: _FROM_BACKUP,
    Code.FILE_MISSING: _QUARANTINE,
    Code.FILE_WRONG: _QUARANTINE,
    Code.METADATA_MISSING: _EXTRACT,
    Code.METADATA_WRONG: _EXTRACT,
    Code.METADATA_DIFFERS: "Delete the file with `purveyor delete`, and upload the same file again.",
    Code.PROVENANCE_MISSING: _FROM_BACKUP,
    Code.PROVENANCE_WRONG: _FROM_BACKUP,
    Code.COPY_WRONG: "`purveyor fsck --repair` removes it; it is fetched again when somebody asks.",
    Code.UNSETTLED_WRONG: "`purveyor fsck --repair` removes it.",
    Code.PAGE_WRONG: "Report it, with what is said here: this is a fault of Purveyor's, or of the row.",
    Code.UPLOAD_LOST: "Upload the file again, and report it with the server's log.",
}
MENDABLE = frozenset(
    {
        *(Code.SERIAL_WRONG, Code.FILE_MISSING, Code.FILE_WRONG, Code.METADATA_MISSING, Code.METADATA_WRONG),
        *(Code.COPY_WRONG, Code.UNSETTLED_WRONG),
    }
)
"""What `--repair` knows how to do something about."""


class Finding(Struct, frozen=True):
    """One thing that is not as it must be. What it is about stands in the fields that apply; the others are empty."""

    code: Code
    what: str
    index: str = ""
    project: str = ""
    filename: str = ""
    sha256: str = ""

    @property
    def why(self) -> str:
        return WHY[self.code]

    @property
    def remedy(self) -> str:
        return REMEDIES[self.code]
