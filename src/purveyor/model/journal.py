"""One entry for each change: the serial, the audit log and the change notice in one."""

from dataclasses import dataclass
from enum import StrEnum

from purveyor.model.names import NormalizedName


class Action(StrEnum):
    CREATE_PROJECT = "create-project"
    ADD_FILE = "add-file"
    REMOVE_FILE = "remove-file"
    REMOVE_PROJECT = "remove-project"
    SET_STATUS = "set-status"


LISTED = frozenset({Action.CREATE_PROJECT, Action.REMOVE_PROJECT, Action.SET_STATUS})
"""What makes the list of projects another one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a follower of the journal has missed: it is now at `serial`, and these projects are not what they were."""

    serial: int
    projects: frozenset[NormalizedName]
    list_changed: bool
