"""The tables, as the steps that make them. A step is never edited once released: a change of the schema is a further step.

The words are SQLite's; `postgres_schema.py` knows what PostgreSQL calls the same. Servers of two versions may run side by side for a
while, so a step says whether code from before it may go on: see docs/guides/upgrade.md.
"""

from collections.abc import Sequence

from msgspec import Struct

from purveyor.errors import Misconfigured


class Step(Struct, frozen=True):
    """With `contracts`, code that does not know this step can no longer work with the database. `postgres` is for that engine alone."""

    sql: str
    contracts: bool = False
    postgres: str = ""


class Version(Struct, frozen=True):
    """How many steps a database has behind it, and how many a Purveyor must know at least to work with it."""

    number: int
    oldest: int


KEEP = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL, oldest BIGINT NOT NULL)"
"""One row, where the version of a database is kept."""


def missing(found: Version, steps: Sequence[Step], name: str) -> Sequence[Step]:
    """What is left to do. Raises `Misconfigured` for a database that this code does not understand any more."""
    if found.oldest > len(steps):
        raise Misconfigured(
            f"{name} was written by a newer Purveyor (schema {found.number}, for code that knows at least {found.oldest};"
            f" this one knows {len(steps)}).",
            "Upgrade Purveyor, or name another index with --data or PURVEYOR_DATABASE.",
        )
    return steps[found.number :]


def reached(found: Version, steps: Sequence[Step]) -> Version:
    """Where the missing steps lead."""
    oldest = max((number for number, step in enumerate(steps, 1) if step.contracts), default=1)
    return Version(max(found.number, len(steps)), max(found.oldest, oldest))


# Times are microseconds since 1970, UTC. A yanked file has a reason, perhaps empty; NULL is a file that is not yanked.
_FIRST = """
CREATE TABLE projects (
    name          TEXT NOT NULL PRIMARY KEY,
    display_name  TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'active',
    status_reason TEXT NOT NULL DEFAULT '',
    serial        INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE files (
    filename          TEXT NOT NULL PRIMARY KEY,
    identity          TEXT NOT NULL UNIQUE,
    project           TEXT NOT NULL REFERENCES projects (name),
    version           TEXT NOT NULL,
    kind              TEXT NOT NULL,
    size              INTEGER NOT NULL,
    sha256            TEXT NOT NULL,
    metadata_sha256   TEXT,
    provenance_sha256 TEXT,
    requires_python   TEXT,
    uploaded_at       INTEGER,
    uploaded_by       TEXT,
    yanked            TEXT,
    origin            TEXT
);
CREATE INDEX files_of_project ON files (project);

CREATE TABLE journal (
    serial   INTEGER NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    project  TEXT NOT NULL,
    version  TEXT,
    filename TEXT
);

CREATE TABLE unsettled_blobs (
    sha256  TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL
);

CREATE TABLE tokens (
    sha256      BLOB NOT NULL PRIMARY KEY,
    subject     TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER
) WITHOUT ROWID;
"""

# A folder that is served: what lies in it, as it was last seen. Paths are bytes, as the file system has them; their order is the
# rank of two files that are the same. `state` is waiting (to be inspected), served, shadowed (by another that is the same file) or
# broken; `sha256` is that of the bytes that the catalog offers, or offered last, from there.
_FOLDERS = """
CREATE TABLE folder_files (
    path      BLOB NOT NULL PRIMARY KEY,
    directory BLOB NOT NULL,
    filename  TEXT NOT NULL,
    project   TEXT NOT NULL,
    size      INTEGER NOT NULL,
    mtime_ns  INTEGER NOT NULL,
    inode     INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'waiting',
    sha256    TEXT,
    fault     TEXT
) WITHOUT ROWID;
CREATE INDEX folder_files_of_directory ON folder_files (directory);
CREATE INDEX folder_files_of_project ON folder_files (project);
CREATE INDEX folder_files_by_content ON folder_files (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX folder_files_waiting ON folder_files (path) WHERE state = 'waiting';
CREATE INDEX folder_files_waiting_of_project ON folder_files (project, path) WHERE state = 'waiting';

CREATE TABLE folder_metadata (
    path    BLOB NOT NULL PRIMARY KEY REFERENCES folder_files (path) ON DELETE CASCADE,
    sha256  TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX folder_metadata_by_content ON folder_metadata (sha256);
"""

# Many indexes: every project and file belongs to one, and the first of them is called default.
_INDEXES = """
CREATE TABLE indexes (
    name     TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO indexes VALUES ('default', '{}');

UPDATE tokens SET permissions = 'manage upload' WHERE subject = 'owner' AND permissions = 'upload';

ALTER TABLE journal ADD COLUMN index_name TEXT NOT NULL DEFAULT 'default';
ALTER TABLE journal ADD COLUMN note TEXT NOT NULL DEFAULT '';

CREATE TABLE new_projects (
    index_name    TEXT NOT NULL REFERENCES indexes (name),
    name          TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'active',
    status_reason TEXT NOT NULL DEFAULT '',
    serial        INTEGER NOT NULL,
    PRIMARY KEY (index_name, name)
) WITHOUT ROWID;
INSERT INTO new_projects SELECT 'default', name, display_name, status, status_reason, serial FROM projects;

CREATE TABLE new_files (
    index_name        TEXT NOT NULL,
    filename          TEXT NOT NULL,
    identity          TEXT NOT NULL,
    project           TEXT NOT NULL,
    version           TEXT NOT NULL,
    kind              TEXT NOT NULL,
    size              INTEGER NOT NULL,
    sha256            TEXT NOT NULL,
    metadata_sha256   TEXT,
    provenance_sha256 TEXT,
    requires_python   TEXT,
    uploaded_at       INTEGER,
    uploaded_by       TEXT,
    yanked            TEXT,
    origin            TEXT,
    PRIMARY KEY (index_name, filename),
    UNIQUE (index_name, identity),
    FOREIGN KEY (index_name, project) REFERENCES new_projects (index_name, name)
);
INSERT INTO new_files SELECT 'default', filename, identity, project, version, kind, size, sha256, metadata_sha256, provenance_sha256,
    requires_python, uploaded_at, uploaded_by, yanked, origin FROM files;
DROP TABLE files;
DROP TABLE projects;
ALTER TABLE new_projects RENAME TO projects;
ALTER TABLE new_files RENAME TO files;
CREATE INDEX files_of_project ON files (index_name, project);

CREATE TABLE deleted_files (
    index_name        TEXT NOT NULL,
    filename          TEXT NOT NULL,
    identity          TEXT NOT NULL,
    project           TEXT NOT NULL,
    version           TEXT NOT NULL,
    kind              TEXT NOT NULL,
    size              INTEGER NOT NULL,
    sha256            TEXT NOT NULL,
    metadata_sha256   TEXT,
    provenance_sha256 TEXT,
    requires_python   TEXT,
    uploaded_at       INTEGER,
    uploaded_by       TEXT,
    yanked            TEXT,
    origin            TEXT,
    deleted_at        INTEGER NOT NULL,
    deleted_by        TEXT NOT NULL,
    PRIMARY KEY (index_name, filename),
    UNIQUE (index_name, identity)
);

CREATE TABLE overrides (
    index_name TEXT NOT NULL,
    project    TEXT NOT NULL,
    version    TEXT NOT NULL,
    until      INTEGER NOT NULL,
    by         TEXT NOT NULL,
    at         INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (index_name, project, version)
) WITHOUT ROWID;

CREATE TABLE advisories (
    project    TEXT NOT NULL,
    identifier TEXT NOT NULL,
    document   TEXT NOT NULL,
    PRIMARY KEY (project, identifier)
) WITHOUT ROWID;

CREATE TABLE snapshots (
    upstream      TEXT NOT NULL,
    project       TEXT NOT NULL,
    document      BLOB NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    fresh_until   INTEGER NOT NULL,
    serial        INTEGER NOT NULL,
    PRIMARY KEY (upstream, project)
);

CREATE TABLE extracted_metadata (
    project         TEXT NOT NULL,
    sha256          TEXT NOT NULL,
    metadata_sha256 TEXT NOT NULL,
    PRIMARY KEY (project, sha256)
) WITHOUT ROWID;

CREATE TABLE pulled_blobs (
    sha256  TEXT NOT NULL PRIMARY KEY,
    size    INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pulled_blobs_by_use ON pulled_blobs (used_at);

CREATE INDEX journal_of_project ON journal (index_name, project, serial);

CREATE TABLE checks (
    release_digest TEXT NOT NULL,
    name           TEXT NOT NULL,
    passed         INTEGER NOT NULL,
    by             TEXT NOT NULL,
    at             INTEGER NOT NULL,
    index_name     TEXT NOT NULL,
    note           TEXT NOT NULL,
    url            TEXT NOT NULL,
    PRIMARY KEY (release_digest, name)
) WITHOUT ROWID;

CREATE TABLE approvals (
    release_digest TEXT NOT NULL,
    target         TEXT NOT NULL,
    by             TEXT NOT NULL,
    at             INTEGER NOT NULL,
    note           TEXT NOT NULL,
    PRIMARY KEY (release_digest, target, by)
) WITHOUT ROWID;

CREATE TABLE promotions (
    serial        INTEGER NOT NULL PRIMARY KEY,
    index_name    TEXT NOT NULL,
    project       TEXT NOT NULL,
    by            TEXT NOT NULL,
    at            INTEGER NOT NULL,
    evidence      TEXT NOT NULL,
    before_serial INTEGER NOT NULL,
    before        TEXT NOT NULL,
    undone        INTEGER
);
CREATE INDEX promotions_of_project ON promotions (index_name, project);
"""

# While an index is moved or brought back from a backup: which end this is, and whether it may be written. One row, or none.
_MOVING = """
CREATE TABLE moving (
    phase TEXT NOT NULL,
    mark  TEXT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    until INTEGER NOT NULL
);
"""

# The newest entries of one index, however many others there are.
_JOURNALS = "CREATE INDEX journal_of_index ON journal (index_name, serial);"

# PostgreSQL believes that an index which came after its last look at a table has next to no rows there, and reads all of them to find one.
# Without statistics on this column it goes by the others.
_PLANS = "".join(f"ALTER TABLE {table} ALTER COLUMN index_name SET STATISTICS 0;" for table in ("files", "deleted_files", "journal"))

# Code from before the step of moving would write to an index that is being moved away.
STEPS = (Step(_FIRST), Step(_FOLDERS), Step(_INDEXES, contracts=True), Step(_MOVING, contracts=True), Step(_JOURNALS, postgres=_PLANS))
