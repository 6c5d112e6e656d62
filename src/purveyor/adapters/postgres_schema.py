"""The schema on PostgreSQL: the same steps as on SQLite, in PostgreSQL's words, run once however many servers start together."""

from collections.abc import Sequence

from purveyor.adapters.postgres_connections import Impatient
from purveyor.adapters.schema import KEEP, Step, Version, missing, reached
from purveyor.formats.database_url import shown

# Text is compared byte by byte, as in SQLite: the order of names does not depend on the language of the server.
_WORDS = (("WITHOUT ROWID", ""), ("INTEGER", "BIGINT"), ("BLOB", "BYTEA"), (" TEXT", ' TEXT COLLATE "C"'))
_LOCK = 0x70757276_00000002
# A step over a large table may take its time, and who starts meanwhile waits for it.
_PATIENCE = 600


def bring_up_to_date(connection: Impatient, steps: Sequence[Step], url: str) -> None:
    """On a connection that is closed afterwards. Raises psycopg.Error, and `Misconfigured` for a database that is too new."""
    name = f"The database {shown(url)}"
    if not missing(_version(connection), steps, name):
        return
    connection.patience = _PATIENCE + 10.0
    # Until the connection is closed; before the transaction, since only a new one hears which tables others have made meanwhile.
    connection.execute(f"SET lock_timeout = '{_PATIENCE}s'".encode())
    connection.execute(b"SELECT pg_advisory_lock(%s)", (_LOCK,))
    with connection.transaction():
        found = _version(connection)
        for step in missing(found, steps, name):
            connection.execute((in_words_of_postgres(step.sql) + step.postgres).encode())
        now = reached(found, steps)
        connection.execute(KEEP.encode())
        connection.execute(b"DELETE FROM schema_version")
        connection.execute(b"INSERT INTO schema_version VALUES (%s, %s)", (now.number, now.oldest))


def in_words_of_postgres(sql: str) -> str:
    for ours, theirs in _WORDS:
        sql = sql.replace(ours, theirs)
    return sql


def _version(connection: Impatient) -> Version:
    row = connection.execute(b"SELECT to_regclass('schema_version')").fetchone()
    if row is None or row[0] is None:
        return Version(0, 0)
    kept = connection.execute(b"SELECT version, oldest FROM schema_version").fetchone()
    assert kept is not None  # there is one row, or no table
    return Version(*kept)
