"""Every setting, command, option, endpoint and error of the code stands in docs/reference, and nothing else does."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click
import pytest
from starlette.routing import Route

from purveyor import assembly, errors
from purveyor.api import management, targets
from purveyor.api.app import UPLOAD_PATHS
from purveyor.api.authentication import Doorkeeper
from purveyor.api.draining import Draining
from purveyor.api.numbers import Accounts
from purveyor.api.problems import status_of
from purveyor.api.read_path import ReadPath
from purveyor.api.routes import router
from purveyor.cli import main
from purveyor.settings import Settings
from tests.docs.documents import reference, rows, section


def documented_default(default: object) -> str:
    if default is None:
        return "none"
    return str(default).lower() if isinstance(default, bool) else str(default)


def setting_rows() -> list[list[str]]:
    return [row for row in rows(reference("settings")) if row[0].startswith("`")]


def test_every_setting_is_documented_with_variable_default_and_meaning() -> None:
    expected = [
        [f"`{field.name}`", f"`PURVEYOR_{field.name.upper()}`", f"`{documented_default(field.default)}`", field.metadata["doc"]]
        for field in fields(Settings)
    ]

    assert [[row[0], row[1], row[3], row[4]] for row in setting_rows()] == expected


def test_the_flags_of_settings_are_those_of_serve() -> None:
    flags = {option for parameter in commands()["serve"].params for option in parameter.opts}
    documented = {f"--{name}" if f"--{name}" in flags else "" for name in (field.name for field in fields(Settings))}

    assert {row[2].strip("`") for row in setting_rows()} == documented


def commands() -> dict[str, click.Command]:
    context = click.Context(main.commands)
    found = {name: main.commands.get_command(context, name) for name in main.commands.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def options_of(command: click.Command) -> Iterator[str]:
    """With those of its own commands, which are described together."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)
    for further in command.commands.values() if isinstance(command, click.Group) else ():
        yield from options_of(further)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_is_documented_with_all_its_options_and_no_other(name: str) -> None:
    described = section(reference("commands"), f"## `purveyor {name}")
    options = set(options_of(commands()[name]))

    in_first_cells = " ".join(row[0] for row in rows(described))
    assert set(re.findall(r"`(--?[a-z-]+)`", in_first_cells)) == options


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_argument_of_a_command_stands_in_its_heading(name: str) -> None:
    heading = next(line for line in reference("commands").splitlines() if line.startswith(f"## `purveyor {name}"))

    for parameter in commands()[name].params:
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(click.Context(commands()[name])) in heading


def test_no_command_is_documented_that_is_not_there() -> None:
    assert re.findall(r"^## `purveyor ([a-z]+)", reference("commands"), re.MULTILINE) == list(main.COMMANDS)


def test_every_exit_code_is_documented() -> None:
    documented = {int(row[0]) for row in rows(section(reference("commands"), "## Exit codes")) if row[0].isdigit()}

    assert documented == {0, main.WRONG, main.INTERRUPTED, *main.EXIT_CODES.values()}


def every_error(kind: type[errors.PurveyorError] = errors.PurveyorError) -> Iterator[type[errors.PurveyorError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from every_error(narrower)


def exit_code_of(kind: type[errors.PurveyorError]) -> int:
    return next((code for known, code in main.EXIT_CODES.items() if issubclass(kind, known)), main.WRONG)


def test_every_error_is_documented_with_its_status_and_exit_code() -> None:
    expected = {(f"`{kind.code}`", f"`{kind.__name__}`", str(int(status_of(kind("x")))), str(exit_code_of(kind))) for kind in every_error()}

    assert {(row[0], row[1], row[2], row[3]) for row in rows(reference("errors")) if row[0].startswith("`")} == expected


def test_every_route_is_documented(tmp_path: Path) -> None:
    app = assembly.application(Settings(data=tmp_path / "data"))
    text = reference("endpoints")
    try:
        door = Doorkeeper(app.tokens)
        known = (*router(app, ReadPath(app), door, Draining(), Accounts(app)).routes, *management.routes(app, door))
        routes = [route for route in known if isinstance(route, Route)]
    finally:
        app.catalog.close()

    # Each operation stands below the root and below every index; it is described once.
    paths = {*(route.path.removeprefix("/{index:path}") for route in routes), *(f"POST {path}" for path in UPLOAD_PATHS)}
    assert [path for path in sorted(paths) if f"{path}`" not in text] == []


def test_every_target_of_the_read_path_is_documented_with_an_example_that_leads_to_it() -> None:
    examples = [row[1].strip("`") for row in rows(section(reference("endpoints"), "## Reading")) if row[1].startswith("`")]

    assert {type(targets.parse(example.encode())) for example in examples} == set(get_args(targets.Target))
