"""Reads a release and what is recorded about it: on a connection of a transaction, or outside of any."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from purveyor.adapters.rows import COLUMNS, file_of, known, row_of, stamp
from purveyor.adapters.sql import Row
from purveyor.errors import NotFound
from purveyor.model.files import DistributionFile
from purveyor.model.indexes import IndexName
from purveyor.model.journal import ARRIVALS
from purveyor.model.names import NormalizedName
from purveyor.model.projects import ProjectStatus, Status
from purveyor.model.releases import Approval, Check, Promotion, Release, digest_of, of_version

Ask = Callable[[str, Sequence[Any]], list[Row]]
"""Asks one statement with its parameters, for all rows."""

# ruff: noqa: S608 - the statements are put together of constants; values are always parameters

_ARRIVALS = ", ".join(f"'{action}'" for action in sorted(ARRIVALS))


def release(ask: Ask, index: IndexName, project: NormalizedName, version: str) -> Release:
    """Raises `NotFound` where the index hosts no file of it."""
    rows = ask(
        f"SELECT p.status, p.status_reason, {COLUMNS} FROM files f JOIN projects p ON p.index_name = f.index_name AND p.name = f.project"
        " WHERE f.index_name = ? AND f.project = ? ORDER BY f.uploaded_at NULLS FIRST, f.filename",
        (index, project),
    )
    files = of_version([file_of(row[2:]) for row in rows], version)
    if not files:
        raise NotFound(f"The index {index} hosts no release {version} of {project}.", "Only an index that hosts a release can promote it.")
    digest = digest_of(files)
    return Release(
        index=index,
        project=project,
        version=files[0].version,
        files=files,
        since=known(_arrival(ask, index, project, files)),
        status=ProjectStatus(Status(rows[0][0]), rows[0][1]),
        checks=_checks(ask, digest),
        approvals=_approvals(ask, digest),
    )


def _arrival(ask: Ask, index: IndexName, project: NormalizedName, files: Sequence[DistributionFile]) -> int:
    """When the newest of the files came to the index; its upload time may be that of another index, long ago."""
    rows = ask(
        f"SELECT filename, max(at) FROM journal WHERE index_name = ? AND project = ? AND action IN ({_ARRIVALS}) GROUP BY filename",
        (index, project),
    )
    came: dict[str, int] = {filename: at for filename, at in rows}  # noqa: C416 - the rows are of any type
    return max(came.get(file.filename) or stamp(file.uploaded_at) or 0 for file in files)


def _checks(ask: Ask, digest: str) -> tuple[Check, ...]:
    rows = ask("SELECT name, passed, by, at, index_name, note, url FROM checks WHERE release_digest = ? ORDER BY name", (digest,))
    return tuple(Check(name, bool(passed), by, known(at), index, note, url) for name, passed, by, at, index, note, url in rows)


def _approvals(ask: Ask, digest: str) -> tuple[Approval, ...]:
    rows = ask("SELECT target, by, at, note FROM approvals WHERE release_digest = ? ORDER BY target, at, by", (digest,))
    return tuple(Approval(target, by, known(at), note) for target, by, at, note in rows)


def promotions(ask: Ask, index: IndexName, project: NormalizedName) -> list[Promotion]:
    """Newest first."""
    rows = ask(
        "SELECT evidence, by, at, serial, undone FROM promotions WHERE index_name = ? AND project = ? ORDER BY serial DESC",
        (index, project),
    )
    return [
        Promotion(read_evidence(json.loads(document)), index, by, known(at), serial, undone) for document, by, at, serial, undone in rows
    ]


def write_evidence(release: Release) -> dict[str, Any]:
    return {
        "index": release.index,
        "project": release.project,
        "version": release.version,
        "since": stamp(release.since),
        "files": [row_of(file) for file in release.files],
        "checks": [[check.name, check.passed, check.by, stamp(check.at), check.index, check.note, check.url] for check in release.checks],
        "approvals": [[approval.target, approval.by, stamp(approval.at), approval.note] for approval in release.approvals],
    }


def read_evidence(document: dict[str, Any]) -> Release:
    return Release(
        index=document["index"],
        project=document["project"],
        version=document["version"],
        files=tuple(file_of(tuple(row.values())) for row in document["files"]),
        since=known(document["since"]),
        checks=tuple(Check(name, passed, by, known(at), index, note, url) for name, passed, by, at, index, note, url in document["checks"]),
        approvals=tuple(Approval(target, by, known(at), note) for target, by, at, note in document["approvals"]),
    )
