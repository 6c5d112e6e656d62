"""`purveyor backup`, and `purveyor restore` of one."""

from pathlib import Path

import click

from purveyor.cli.exporting import check_index
from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.settings import Settings


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The index's data directory.  [the user's data directory]")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="The folder that is served, if it is one.")
@JSON
def backup(directory: Path, data: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Back the whole index up into DIR: a consistent snapshot of the database, and every file. Servers may be writing meanwhile.

    Backing up to DIR again copies only files that are new. Tokens are in it, as hashes: keep it from others' eyes.
    """
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it
    from purveyor.safekeeping.backing_up import back_up  # noqa: PLC0415 - as above
    from purveyor.safekeeping.backup_folder import BackupFolder  # noqa: PLC0415 - as above
    from purveyor.safekeeping.stores import check_arrived  # noqa: PLC0415 - as above

    settings = Settings.from_environment(data=data, folder=folder)
    check_index(settings, there=assembly.has_index(settings))
    reporter = Reporter(as_json=as_json)
    with BackupFolder(directory) as target, assembly.safekeeping(settings) as stores:
        check_arrived(stores.tables)
        made = back_up(stores, target, reporter.progress)
    manifest = made.manifest
    document = {
        "backup": str(made.path.resolve()),
        "serial": manifest.serial,
        "contents": manifest.contents,
        "bytes": manifest.bytes,
        "copied": target.new,
        "copied_bytes": target.new_bytes,
    }
    reporter.result(
        document,
        f"{made.path}: serial {manifest.serial}, {manifest.contents} contents ({sized(manifest.bytes)}), {target.new} of them new"
        f" ({sized(target.new_bytes)}). Tokens are in it, as hashes.",
    )


def restore_backup(path: Path, data: Path | None, *, as_json: bool) -> None:
    """Into the stores that the settings name, which must be empty."""
    from purveyor import assembly  # noqa: PLC0415 - as above
    from purveyor.safekeeping.backup_folder import Backup  # noqa: PLC0415 - as above
    from purveyor.safekeeping.restoring import restore  # noqa: PLC0415 - as above

    settings = Settings.from_environment(data=data)
    found = Backup.at(path)
    assembly.data_directory(settings.data_dir)
    reporter = Reporter(as_json=as_json)
    with assembly.safekeeping(settings) as stores:
        carried = restore(found, stores, reporter.progress)
        place = stores.place
    reporter.result(
        {
            "backup": str(found.path.resolve()),
            "data": str(settings.data_dir.resolve()),
            "serial": found.manifest.serial,
            "contents": carried.count,
            "copied": carried.copied,
        },
        f"Restored {found.path} into {place}: serial {found.manifest.serial}, {carried.count} contents, every one verified."
        " The tokens that were valid then are valid here.",
    )
