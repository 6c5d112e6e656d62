"""One entry for each change: the serial, the audit log and the change notice in one."""

from dataclasses import dataclass
from enum import StrEnum

from purveyor.model.names import NormalizedName


class Action(StrEnum):
    CREATE_PROJECT = "create-project"
    ADD_FILE = "add-file"
    SET_STATUS = "set-status"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a follower of the journal has missed: it is now at `serial`, and these projects are not what they were."""

    serial: int
    projects: frozenset[NormalizedName]
    list_changed: bool
