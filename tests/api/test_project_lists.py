"""A project list made of the one before is the list that would be made of nothing."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from purveyor import assembly
from purveyor.application import Application
from purveyor.formats.representation import HTML, JSON
from purveyor.model.files import parse_filename
from purveyor.model.indexes import DEFAULT, Index, IndexName
from purveyor.model.projects import ProjectStatus, Status
from purveyor.serving.bodies import pieces
from purveyor.serving.pages import PageKey
from purveyor.serving.project_lists import ProjectLists
from purveyor.settings import Settings
from purveyor.testing.contracts import new_file

TEAM = IndexName("team")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECTS = 3000  # several stretches
STEPS = 60


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    app = assembly.application(Settings(data=tmp_path / "data", pull_through=False))
    app.catalog.put_index(Index(TEAM, upstreams=(DEFAULT,)), "tests", NOW)
    app.catalog.add_files([new_file(filename(number)) for number in range(0, 2 * PROJECTS, 2)], {})
    yield app
    app.catalog.close()


def filename(number: int) -> str:
    """Even numbers are those that are there from the beginning."""
    return f"project.{number:05d}-1.0.tar.gz"


def held(app: Application, index: IndexName, media_type: str) -> bytes:
    page = app.pages.get(PageKey(index, None, media_type, "identity"))
    assert page is not None
    return b"".join(pieces(page.body))


def made_of_nothing(app: Application, index: IndexName, media_type: str) -> bytes:
    lists = ProjectLists(app.catalog, app.offers, app.follower, app.settings.data_dir / "staging")
    return b"".join(pieces(lists.make(index, media_type)[0]))


def change(app: Application, chance: random.Random) -> None:
    """A project comes, one goes, or one is hidden."""
    number = chance.randrange(2 * PROJECTS)
    new = new_file(filename(number), index=chance.choice((DEFAULT, TEAM)))
    changes: list[Callable[[], object]] = [
        lambda: app.catalog.add_file(new, {}),
        lambda: app.catalog.remove_file(new.file.filename, "tests", NOW),
        lambda: app.catalog.set_status(new.file.project, ProjectStatus(Status.QUARANTINED), "tests", NOW),
    ]
    chance.choice(changes)()


@pytest.mark.parametrize("index", [DEFAULT, TEAM])
def test_after_every_change_the_list_is_what_a_new_server_would_make(app: Application, index: IndexName) -> None:
    chance = random.Random(index)
    for step in range(STEPS):
        for _ in range(chance.randrange(4)):
            change(app, chance)
        media_type = (JSON, HTML)[step % 2]
        assert held(app, index, media_type) == made_of_nothing(app, index, media_type)


def test_stretches_that_grow_and_that_vanish(app: Application) -> None:
    held(app, DEFAULT, JSON)
    app.catalog.add_files([new_file(f"aaa{number:05d}-1.0.tar.gz") for number in range(2500)], {})
    assert held(app, DEFAULT, JSON) == made_of_nothing(app, DEFAULT, JSON)
    for number in range(600):
        app.catalog.remove_file(f"aaa{number:05d}-1.0.tar.gz", "tests", NOW)
    assert held(app, DEFAULT, JSON) == made_of_nothing(app, DEFAULT, JSON)
    app.catalog.add_file(new_file("aa-1.0.tar.gz"), {})
    assert held(app, DEFAULT, JSON) == made_of_nothing(app, DEFAULT, JSON)


def test_a_list_says_a_serial_up_to_which_it_has_every_change(app: Application) -> None:
    for number in range(1, 9, 2):
        app.catalog.add_file(new_file(filename(number)), {})
        page = app.pages.get(PageKey(DEFAULT, None, JSON, "identity"))
        assert page is not None
        assert page.serial == app.catalog.serial()
        assert parse_filename(filename(number)).project.encode() in held(app, DEFAULT, HTML)
