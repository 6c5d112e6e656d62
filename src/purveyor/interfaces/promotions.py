"""Promotions, and what is recorded of releases before them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName
from purveyor.model.releases import Approval, Check, Move, Promotion, Release, Rollback


class Promotions(Protocol):
    """Releases that go from one index to another, with what is recorded about them. One change is one transaction, as in the catalog.

    A release is asked for by its version in any spelling; where the index hosts none, each method raises `NotFound`.
    """

    def release(self, index: IndexName, project: NormalizedName, version: str) -> Release: ...

    def record_check(self, index: IndexName, project: NormalizedName, version: str, check: Check) -> Release:
        """Record what came of a check of the release that the index hosts: of its files as they are now.

        The last word on each check counts.
        """
        ...

    def approve(self, index: IndexName, project: NormalizedName, version: str, approval: Approval) -> Release:
        """Record that somebody approves of the release that the index hosts: of its files as they are now."""
        ...

    def promote(self, move: Move, judge: Callable[[Release], None]) -> Promotion | None:
        """Add all files of the release to the target as they are in the source, or none; durable on return.

        `judge` is shown the release in the transaction, and forbids the promotion by what it raises; it must be quick. None where all files
        are there already: then nothing has changed. Raises `Conflict`, naming every file under whose name the target has, or had, other
        bytes, and `NotAllowed` when the status of the project there forbids new files.
        """
        ...

    def promotions(self, index: IndexName, project: NormalizedName) -> Sequence[Promotion]:
        """Every promotion of the project to the index, newest first."""
        ...

    def roll_back(self, index: IndexName, project: NormalizedName, to_serial: int | None, actor: str, at: datetime) -> Rollback:
        """Give the project's page on the index back its files, yanks and status of before the newest promotion, or at that serial.

        The names of files that go stay taken, as those of deleted files. Raises `NotFound` where nothing is left to undo, and `Conflict`
        where the page has changed since in another way (without a serial), is not known (with one), or had files whose bytes are not kept.
        """
        ...
