"""One entry for each change: the serial, the audit log and the change notice in one."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName


class Action(StrEnum):
    CREATE_PROJECT = "create-project"
    ADD_FILE = "add-file"
    REMOVE_FILE = "remove-file"
    REMOVE_PROJECT = "remove-project"
    YANK = "yank"
    UNYANK = "unyank"
    DELETE = "delete"
    RESTORE = "restore"
    SET_STATUS = "set-status"
    SET_INDEX = "set-index"
    REMOVE_INDEX = "remove-index"
    OVERRIDE = "override"
    END_OVERRIDE = "end-override"
    LOAD_ADVISORIES = "load-advisories"
    PROMOTE = "promote"
    ROLL_BACK = "roll-back"
    RECORD_CHECK = "record-check"
    APPROVE = "approve"
    REPAIR = "repair"
    CREATE_TOKEN = "create-token"  # noqa: S105 - the name of an action
    REVOKE_TOKEN = "revoke-token"  # noqa: S105 - likewise


LISTED = frozenset({Action.CREATE_PROJECT, Action.REMOVE_PROJECT, Action.SET_STATUS})
"""What makes a list of projects another one."""
ARRIVALS = frozenset({Action.ADD_FILE, Action.RESTORE, Action.PROMOTE})
"""What brings a file to an index."""
PAGE_CHANGES = ARRIVALS | LISTED | {Action.REMOVE_FILE, Action.YANK, Action.UNYANK, Action.DELETE, Action.ROLL_BACK}
"""What makes a project's page another one, for as long as the index's settings are the same."""
ROUTING = frozenset({Action.SET_INDEX, Action.REMOVE_INDEX, Action.LOAD_ADVISORIES})
"""After one of these, nothing that was made of an index need hold any more."""

ASIDE = frozenset({Action.OVERRIDE, Action.END_OVERRIDE})
"""What is said about a project without its becoming another one: its serial stays."""


class JournalEntry(Struct, frozen=True):
    """What happened, to what of which index; empty where it was about no project, no version or no file."""

    serial: int
    at: datetime
    actor: str
    action: Action
    index: IndexName
    project: str = ""
    version: str = ""
    filename: str = ""
    note: str = ""


class Changes(Struct, frozen=True):
    """What a follower of the journal has missed: it is now at `serial`, and projects of these names are not what they were, in whichever
    index; with `everything`, nothing is. Those in `listed` have come to a list of projects, gone from it or changed in it.
    """

    serial: int
    projects: frozenset[NormalizedName]
    listed: frozenset[NormalizedName] = frozenset()
    everything: bool = False

    @property
    def list_changed(self) -> bool:
        return bool(self.listed)
