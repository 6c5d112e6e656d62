"""A database of every earlier version comes forward with its rows, and code of two versions may share one; on either engine."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.postgres import PostgresDatabase
from purveyor.adapters.schema import STEPS, Step
from purveyor.adapters.sql import Connection, SqlDatabase
from purveyor.adapters.sqlite import Database
from purveyor.errors import Misconfigured
from purveyor.interfaces import Catalog
from purveyor.model.files import parse_filename
from purveyor.testing.contracts import new_file

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer  # see tests/conftest.py

Open = Callable[[Sequence[Step]], SqlDatabase]

EXPANDED = (*STEPS, Step("ALTER TABLE projects ADD COLUMN motto TEXT"))
"""As if a later version had one more column, which code from before need not know."""
CONTRACTED = (*EXPANDED, Step("ALTER TABLE projects DROP COLUMN status_reason", contracts=True))


@pytest.fixture(params=["sqlite", "postgres"])
def open_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same empty database with code that knows these steps."""
    with ExitStack() as opened:
        if request.param == "sqlite":
            yield lambda steps: opened.enter_context(closing(Database(tmp_path / "catalog.sqlite", steps)))
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.new_database()
            yield lambda steps: opened.enter_context(closing(PostgresDatabase(url, steps=steps)))


def catalog_of(database: SqlDatabase, tmp_path: Path) -> Catalog:
    return SqlCatalog(database, MappedSignal(tmp_path / "changes"))


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_rows_of_every_earlier_schema_come_forward(open_database: Open, tmp_path: Path, step: int) -> None:
    open_database(STEPS[:step]).write(lambda connection: _fill(connection, with_indexes=step >= 3))
    catalog = catalog_of(open_database(STEPS), tmp_path)
    name = parse_filename("acme-1.0.tar.gz").project
    detail = catalog.project_detail(name)
    assert detail is not None
    assert [(file.filename, file.yanked) for file in detail.files] == [("acme-1.0.tar.gz", None)]
    assert (detail.display_name, detail.serial) == ("Acme", 2)
    assert [(entry.serial, entry.actor, entry.filename) for entry in catalog.journal(None, None, None, 9)] == [
        (2, "ada", "acme-1.0.tar.gz"),
        (1, "ada", ""),
    ]
    assert catalog.has_tokens()
    new = new_file("acme-2.0.tar.gz")
    assert catalog.add_file(new, {}) == new.file
    assert catalog.serial() == 3


def _fill(connection: Connection, *, with_indexes: bool) -> None:
    """A project with a file and a token, as each version wrote them."""
    index, value = ("index_name, ", "'default', ") if with_indexes else ("", "")
    connection.execute(f"INSERT INTO projects ({index}name, display_name, serial) VALUES ({value}'acme', 'Acme', 2)")
    connection.execute(
        f"INSERT INTO files ({index}filename, identity, project, version, kind, size, sha256)"
        f" VALUES ({value}'acme-1.0.tar.gz', 'sdist:acme:1', 'acme', '1.0', 'sdist', 7, ?)",
        ("a" * 64,),
    )
    for serial, action, filename in ((1, "create-project", None), (2, "add-file", "acme-1.0.tar.gz")):
        row = (serial, 1_000_000, "ada", action, "acme", filename)
        connection.execute("INSERT INTO journal (serial, at, actor, action, project, filename) VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO tokens VALUES (?, 'owner', 'upload', 1, NULL)", (b"d" * 32,))


def test_however_many_begin_at_once_every_step_is_taken_once(open_database: Open, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as starting:
        opened = list(starting.map(open_database, [STEPS] * 6))
    for number, database in enumerate(opened):
        catalog_of(database, tmp_path).add_file(new_file(f"acme-1.{number}.tar.gz"), {})
    assert catalog_of(opened[0], tmp_path).serial() == 7


def test_code_of_two_versions_works_side_by_side_over_a_schema_that_was_only_expanded(open_database: Open, tmp_path: Path) -> None:
    old = catalog_of(open_database(STEPS), tmp_path)
    old.add_file(new_file("acme-1.0.tar.gz"), {})
    new = catalog_of(open_database(EXPANDED), tmp_path)
    for number, catalog in enumerate((old, new, catalog_of(open_database(STEPS), tmp_path)), 1):
        file = new_file(f"bolt-1.{number}.tar.gz")
        catalog.add_file(file, {})
        assert [one.file(file.file.filename) for one in (old, new)] == [file.file] * 2
    assert old.serial() == new.serial()


def test_code_that_does_not_know_a_contracted_schema_is_refused_and_leaves_it_as_it_is(open_database: Open) -> None:
    newest = open_database(CONTRACTED)
    for steps in (STEPS, EXPANDED):
        with pytest.raises(Misconfigured, match=f"schema {len(CONTRACTED)}, for code that knows at least {len(CONTRACTED)}") as refused:
            open_database(steps)
        assert refused.value.remedy == "Upgrade Purveyor, or name another index with --data or PURVEYOR_DATABASE."
    assert "its schema is" in newest.check()


def test_a_server_that_runs_when_the_schema_is_contracted_says_that_it_is_not_well(open_database: Open) -> None:
    old = open_database(STEPS)
    open_database(EXPANDED)
    assert "its schema is" in old.check()
    open_database(CONTRACTED)
    with pytest.raises(Misconfigured, match="written by a newer Purveyor"):
        old.check()
