"""`purveyor bundle`: files of an index carried to where no index can be reached."""

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click
from msgspec.structs import replace

from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Conflict, Misconfigured, Refused
from purveyor.model.files import parse_filename
from purveyor.model.indexes import DEFAULT, index_name
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.model.bundles import Bundle
    from purveyor.workbench.bundling.targets import Target
    from purveyor.workbench.bundling.wanted import Wanted

_FILE = click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def bundle() -> None:
    """Carry files of an index across an air gap: one file with everything that an installation needs, verified when it arrives."""


@bundle.command()
@click.argument("sources", metavar="FROM...", nargs=-1, required=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("bundle.tar"), show_default=True, help="The bundle."
)
@click.option("--index-url", help="The index to take it from.  [a lock file's own, else http://127.0.0.1:8080/simple/]")
@click.option("--python", "pythons", multiple=True, metavar="VERSION", help="A Python such as 3.13 that it is for; may be repeated.")
@click.option("--platform", "platforms", multiple=True, metavar="TAG", help="A platform such as linux_x86_64; may be repeated.")
@JSON
def create(
    sources: tuple[str, ...], output: Path, index_url: str | None, pythons: tuple[str, ...], platforms: tuple[str, ...], *, as_json: bool
) -> None:
    """Make a bundle of all that FROM needs: requirements files, a pylock.toml, a uv.lock, or NAMES[==VERSION].

    The files of a lock file are taken as they stand there, for the Pythons and platforms that are given, or for all. For requirements and
    names, uv resolves what they need, or pip where uv is not installed. A run that was cut short goes on where it ended.
    """
    from purveyor.workbench.bundling.gathering import Gathering  # noqa: PLC0415 - the help text needs none of it
    from purveyor.workbench.bundling.targets import chosen  # noqa: PLC0415 - likewise
    from purveyor.workbench.bundling.writing import About, assembled, reuse, write  # noqa: PLC0415 - likewise

    reporter, settings = Reporter(as_json=as_json), Settings.from_environment()
    targets = chosen(pythons, platforms)
    wanted, notes, is_resolved = _wanted(sources, index_url, targets, explicit=bool(pythons or platforms), reporter=reporter)
    about = About(_moment(), (), *(_named(targets) if is_resolved or pythons or platforms else ((), ())))
    with _partial(output) as partial:
        earlier = reuse(output, partial, reporter.say)
        gathering = Gathering(_simple_url(index_url, is_resolved=is_resolved), partial, _limits(settings), threading.Event(), reporter)
        try:
            gathered = gathering.gather(wanted)
        finally:
            gathering.close()
        made, small = assembled(gathered, replace(about, indexes=tuple(gathering.indexes)))
        changed = earlier is None or replace(made, created=earlier.created) != earlier
        if changed:
            reporter.say(f"Writing {output}")
            write(made, small, partial, output)
        _remove(partial)
    for note in notes:
        reporter.say(note)
    said = f"{output}: {_summary(made)}" if changed else f"{output} holds just that already: {_summary(made)}"
    counts = {"fetched": gathering.fetched, "reused": gathering.reused, "changed": changed, "notes": notes}
    reporter.result({"bundle": str(output.resolve()), "size": output.stat().st_size, **counts, **_described(made)}, said)


@bundle.command(name="import")
@_FILE
@click.option("--index", "name", default=DEFAULT, show_default=True, help="The index of that server that is to host the files.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data directory to bring it into; a server may run over it.  [the user's data directory]",
)
@JSON
def bring(file: Path, name: str, data: Path | None, *, as_json: bool) -> None:
    """Verify every byte of FILE, then add all its files to an index; where anything is wrong, nothing is added."""
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it
    from purveyor.formats.bundle_reader import BundleReader  # noqa: PLC0415 - likewise
    from purveyor.publishing.unbundling import Unbundling  # noqa: PLC0415 - likewise

    reporter, settings = Reporter(as_json=as_json), Settings.from_environment(data=data)
    index = index_name(name)
    if settings.folder is not None:
        raise Misconfigured(
            "A bundle cannot be imported into a folder that is served.", "Unset PURVEYOR_FOLDER, and name a --data of its own."
        )
    with ExitStack() as stack:
        source = stack.enter_context(file.open("rb"))
        with _about(file):
            reader = BundleReader(source)
        app = assembly.application(settings)
        stack.callback(app.catalog.close)
        settled = app.offers.index(index)
        unbundling = Unbundling(app.catalog, app.blobs, _limits(settings), settings.max_upload_size, app.now)
        advance = stack.enter_context(reporter.transfer(f"Verifying {file.name}", file.stat().st_size))
        with _about(file):
            done = unbundling.add(reader, settled, advance)
    document = {"bundle": str(file.resolve()), "index": index, "added": [it.filename for it in done.added], "already_here": done.there}
    sentence = f"Added {_counted(len(done.added), 'file')} to the index {index}; {done.there} already here."
    reporter.result(document | _described(reader.bundle), sentence)


@bundle.command()
@_FILE
@JSON
def show(file: Path, *, as_json: bool) -> None:
    """Verify FILE and list what it holds; nothing is added anywhere."""
    from purveyor.formats.bundle_reader import BundleReader  # noqa: PLC0415 - the help text needs none of it

    reporter = Reporter(as_json=as_json)
    with file.open("rb") as source, _about(file), reporter.transfer(f"Verifying {file.name}", file.stat().st_size) as advance:
        reader = BundleReader(source)
        reader.verify(advance)
    lines = [f"{it.filename}  {sized(it.size)}{'  yanked' if it.yanked else ''}" for it in reader.bundle.files]
    reporter.result({"bundle": str(file.resolve()), **_described(reader.bundle)}, *lines, _summary(reader.bundle))


def _wanted(
    sources: Sequence[str], index_url: str | None, targets: "Sequence[Target]", *, explicit: bool, reporter: Reporter
) -> "tuple[list[Wanted], list[str], bool]":
    """What the sources name, what of it cannot be had, and whether a resolver was asked."""
    from purveyor.workbench.bundling.locks import is_lock, read_lock  # noqa: PLC0415 - as above
    from purveyor.workbench.bundling.resolving import closure  # noqa: PLC0415 - as above
    from purveyor.workbench.bundling.targets import Targets  # noqa: PLC0415 - as above

    paths = [Path(source) for source in sources if Path(source).is_file()]
    names = [_requirement(source) for source in sources if not Path(source).is_file()]
    locks = [path for path in paths if is_lock(path)]
    wanted, notes = [], []
    for lock in locks:
        found, more = read_lock(lock, Targets(targets if explicit else ()))
        wanted += found
        notes += more
    if resolved := names or len(locks) < len(paths):
        files = [path for path in paths if path not in locks]
        found, more = closure(names, files, _with_credentials(index_url), targets, reporter.say)
        wanted += found
        notes += more
    taken = [file for file in wanted if _is_taken(file.filename)]
    notes += [
        f"{file.filename} is of a kind that no index takes any more: it is not in the bundle." for file in wanted if file not in taken
    ]
    return taken, list(dict.fromkeys(notes)), bool(resolved)


def _requirement(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - as above

    try:
        return str(Requirement(text))
    except InvalidRequirement:
        raise Misconfigured(
            f"{text!r} is neither a file nor a requirement.", "Name a requirements file, a pylock.toml, a uv.lock or NAME==VERSION."
        ) from None


def _is_taken(filename: str) -> bool:
    with suppress(Refused):
        parse_filename(filename)
        return True
    return False


def _simple_url(index_url: str | None, *, is_resolved: bool) -> str | None:
    """Where to look for files: a lock file's are taken from where it says, unless an index is named."""
    return _with_credentials(index_url) if index_url or is_resolved else None


def _with_credentials(index_url: str | None) -> str:
    from purveyor.workbench.destination import Destination  # noqa: PLC0415 - as above

    named = Destination.of(index_url)
    if named.credentials is None:
        return named.simple_url
    parts = urlsplit(named.simple_url)
    user, password = (quote(part, safe="") for part in named.credentials)
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc}").geturl()


def _named(targets: "Sequence[Target]") -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(dict.fromkeys(it.python for it in targets)), tuple(dict.fromkeys(it.platform for it in targets))


@contextmanager
def _partial(output: Path) -> Iterator[Path]:
    """The directory beside the bundle in which it comes about; one process at a time has it."""
    if not output.parent.is_dir():
        raise Misconfigured(f"There is no directory {output.parent}.", "Make it, or name another file with --output.")
    directory = output.with_name(f"{output.name}.partial")
    directory.mkdir(exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield directory
    except BlockingIOError:
        raise Conflict(f"Another process is making {output}.", "Wait for it, or name another file with --output.") from None
    finally:
        os.close(descriptor)
        with suppress(OSError):  # there is something in it for the next run
            directory.rmdir()


def _remove(partial: Path) -> None:
    shutil.rmtree(partial)


def _moment() -> datetime:
    """Now, unless the same content is to give the same bytes: https://reproducible-builds.org/specs/source-date-epoch/."""
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(stated), UTC) if stated.isdecimal() else datetime.now(UTC).replace(microsecond=0)


def _limits(settings: Settings) -> Any:
    from purveyor.formats.archives import Limits  # noqa: PLC0415 - as above

    return Limits(settings.max_unpacked_size, settings.max_entries, settings.max_ratio)


@contextmanager
def _about(file: Path) -> Iterator[None]:
    """Refusals name the bundle, and say that nothing was added."""
    try:
        yield
    except Refused as refused:
        remedy = refused.remedy or "Nothing of it was added. Copy the bundle again, or make it anew."
        raise Refused([f"{file.name}: {complaint}" for complaint in refused.complaints], remedy) from None


def _summary(made: "Bundle") -> str:
    count = sum(1 for _ in made.files)
    return f"{_counted(count, 'file')} of {_counted(len(made.projects), 'project')}, {sized(made.size)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _described(made: "Bundle") -> dict[str, Any]:
    files = [
        {"filename": it.filename, "project": it.project, "version": it.version, "size": it.size, "sha256": it.sha256} for it in made.files
    ]
    return {
        "created": made.created.isoformat(),
        "indexes": made.indexes,
        "pythons": made.pythons,
        "platforms": made.platforms,
        "files": files,
    }
