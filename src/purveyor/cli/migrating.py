"""`purveyor migrate`: the index moves to another database, and its files to another store."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from purveyor.cli.exporting import check_index
from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Misconfigured
from purveyor.formats.database_url import has_password, is_postgres, shown
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.safekeeping.moving import Moved

_WITH_PASSWORD = "PURVEYOR_MIGRATE_TO"  # noqa: S105 - the name of a variable
_SIGNAL = "migration-changes"


@click.command()
@click.option("--to", metavar="URL|sqlite", help=f"The new database: postgresql://..., or sqlite.  [{_WITH_PASSWORD}]")
@click.option("--blobs", metavar="URL|local", help="Where files go: s3://..., gs://..., az://..., or local.  [they stay]")
@click.option("--to-data", type=click.Path(file_okay=False, path_type=Path), help="The new data directory.  [the one they are in]")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The index's data directory.  [the user's data directory]")
@click.option("--abandon", is_flag=True, help="Give a move up: the index is written where it was.")
@JSON
def migrate(to: str | None, blobs: str | None, to_data: Path | None, data: Path | None, *, abandon: bool, as_json: bool) -> None:
    """Move the index to other stores while its servers go on: files first, then rows, then a short pause of writing.

    Every row and every file is verified. Interrupted, the same again goes on from there. The index that is left behind is
    read as before and takes no changes; start the servers anew with the settings that are shown at the end.
    """
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it

    source = Settings.from_environment(data=data)
    check_index(source, there=assembly.has_index(source))
    reporter = Reporter(as_json=as_json)
    if abandon:
        _abandon(source, reporter)
        return
    target = _target(source, to, blobs, to_data)
    assembly.data_directory(target.data_dir)
    from purveyor.safekeeping.moving import Moving  # noqa: PLC0415 - as above

    # Servers are at work over the old stores, and may be in the same data directory.
    with assembly.safekeeping(source) as old, assembly.safekeeping(target, _SIGNAL) as new:
        if old.place == new.place:
            raise Misconfigured(f"The index is in {old.place} already.", "Name another place with --to.")
        moved = Moving(old, new, reporter.say, reporter.progress).run()
        place = new.place
    (target.data_dir / _SIGNAL).unlink(missing_ok=True)
    _report(moved, place, source, target, reporter)


def _target(source: Settings, to: str | None, blobs: str | None, to_data: Path | None) -> Settings:
    if to is not None and has_password(to):
        raise Misconfigured(
            "A password on the command line is seen by everybody on this machine.",
            f"Give the URL in the variable {_WITH_PASSWORD}, or the password in PGPASSWORD or a pgpass file.",
        )
    to = to or _from_environment()
    if to != "sqlite" and not is_postgres(to):
        raise Misconfigured("The new database is neither `sqlite` nor a URL that begins with postgresql://.", "Say where to with --to.")
    if to == "sqlite" and to_data is None:
        raise Misconfigured("SQLite is a file in a data directory, and there is no new one.", "Name it with --to-data.")
    return replace(source, database=to, blobs=blobs or source.blobs, data=to_data or source.data_dir)


def _from_environment() -> str:
    given = os.environ.get(_WITH_PASSWORD)
    if not given:
        raise Misconfigured("It is not said where the index is to move.", "Name the new database with --to.")
    return given


def _abandon(source: Settings, reporter: Reporter) -> None:
    from purveyor import assembly  # noqa: PLC0415 - as above
    from purveyor.interfaces import Phase  # noqa: PLC0415 - as above
    from purveyor.safekeeping.moving import abandon  # noqa: PLC0415 - as above

    with assembly.safekeeping(source) as stores:
        move = abandon(stores)
    lines = [f"The index in {stores.place} takes changes again; it does not move to {move.place}."]
    if move.phase is Phase.MOVED:
        lines.append(f"What was changed at {move.place} since it moved is not here. End the servers there.")
    reporter.result({"abandoned": move.place, "had_moved": move.phase is Phase.MOVED}, *lines)


def _report(moved: "Moved", place: str, source: Settings, target: Settings, reporter: Reporter) -> None:
    new = {
        "PURVEYOR_DATABASE": shown(target.database),
        "PURVEYOR_BLOBS": target.blobs,
        "PURVEYOR_DATA": str(target.data_dir),
    }
    reporter.result(
        {"place": place, **asdict(moved), "settings": new},
        f"Moved to {place}: serial {moved.serial}, {moved.contents} contents, {moved.copied} of them copied ({sized(moved.bytes)});"
        " every row and every content verified.",
        f"Nothing could be written for {moved.paused:.1f} s. Servers over {source.data_dir} go on reading. Start them anew with",
        *(f"  {name}={value}" for name, value in new.items()),
    )
