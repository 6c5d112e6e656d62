"""The commands that make a project and build it.

Each imports its part of the workbench when it runs: a build frontend costs more than all the rest.
"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from purveyor.cli.reporting import JSON, Reporter, sized

if TYPE_CHECKING:
    from purveyor.workbench.builder import Way

NO_ISOLATION = click.option("--no-isolation", is_flag=True, help="Build with what is installed beside Purveyor; needs no index.")
INSTALLER = click.option(
    "--installer",
    type=click.Choice(["pip", "uv"]),
    default="pip",
    show_default=True,
    help="What fills the build environment.",
)


@click.command()
@click.argument("name")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--layout", type=click.Choice(["src", "flat"]), default="src", show_default=True, help="Where the code is.")
@click.option("--license", "license_expression", default="", metavar="SPDX", help="Such as MIT.  [private]")
@JSON
def new(name: str, path: Path | None, layout: str, license_expression: str, *, as_json: bool) -> None:
    """Create the project NAME in the new directory PATH (by default ./NAME).

    It builds, installs and passes its test at once, and uses flit_core, a build backend without dependencies. Without
    --license it is marked as private, so that the public index would refuse it.
    """
    from purveyor.workbench import scaffold  # noqa: PLC0415 - see the module's docstring

    made = scaffold.create(name, path or Path(name), scaffold.Layout(layout), license_expression)
    Reporter(as_json=as_json).result(
        {"name": made.name, "import_name": made.import_name, "directory": str(made.directory), "files": made.files},
        f"Created {made.name} in {made.directory}; it is imported as {made.import_name}.",
        *(f"  {file}" for file in made.files),
        f"Next: purveyor publish {shlex.quote(str(made.directory))}",
    )


@click.command()
@click.argument("path", default=Path(), type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where the files go.  [PATH/dist]")
@NO_ISOLATION
@INSTALLER
@JSON
def build(path: Path, out: Path | None, installer: str, *, no_isolation: bool, as_json: bool) -> None:
    """Build the source distribution and the wheel of the project in PATH (by default the current directory).

    The wheel is built from the source distribution, as it will be for users who have only that.
    """
    from purveyor.workbench import builder  # noqa: PLC0415 - see the module's docstring

    reporter = Reporter(as_json=as_json)
    built = builder.build(path, out or path / "dist", way(installer, no_isolation=no_isolation), reporter)
    reporter.result(
        {"files": [{"path": str(file.path), "size": file.size, "sha256": file.sha256} for file in built]},
        *(f"{file.path}  {sized(file.size)}  sha256 {file.sha256}" for file in built),
    )


def way(installer: str, *, no_isolation: bool) -> "Way":
    from purveyor.workbench import builder  # noqa: PLC0415 - see the module's docstring

    return builder.Way(isolated=not no_isolation, installer="uv" if installer == "uv" else "pip")
