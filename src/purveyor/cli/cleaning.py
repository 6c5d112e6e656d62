"""`purveyor clean`: what is stale, and away with it."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Misconfigured
from purveyor.publishing.cleaning import Amount
from purveyor.settings import Settings, default_data


@dataclass(frozen=True, slots=True)
class Kind:
    """Stale things of one kind: how many there are, and how they are removed; that gives how many it were."""

    name: str
    what: str
    found: Amount
    remove: Callable[[], Amount]
    paths: tuple[Path, ...] = ()


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The index's data directory.  [the user's data directory]")
@click.option("--yes", is_flag=True, help="Remove it; without this it is only listed.")
@JSON
def clean(data: Path | None, *, yes: bool, as_json: bool) -> None:
    """List what is stale, with sizes: what servers, uploads and served folders that are gone have left behind.

    With --yes it is removed. A server may be running over the data meanwhile.
    """
    settings = Settings.from_environment(data=data)
    reporter = Reporter(as_json=as_json)
    with ExitStack() as stack:
        kinds = [*_run_files(settings), *_of_index(settings, stack), *_of_folders()]
        done = [(kind, kind.remove() if yes and kind.found.count else kind.found) for kind in kinds]
    _report(done, reporter, removed=yes)


def _run_files(settings: Settings) -> Iterator[Kind]:
    from purveyor.process import runfile  # noqa: PLC0415 - the help text needs none of it

    with suppress(Misconfigured):  # without a home directory there are none
        found = runfile.found_in(settings.run_directory)
        yield _paths("run-files", "run files of servers that have ended", (one.path for one in found if one.is_stale or one.record is None))


def _of_index(settings: Settings, stack: ExitStack) -> Iterator[Kind]:
    from purveyor import assembly  # noqa: PLC0415 - as above

    data = settings.data_dir
    if not assembly.has_index(settings):
        if settings.data is not None or settings.folder is not None:
            raise Misconfigured(f"There is no index in {data}.", "Name the data directory that its server shows at its start, with --data.")
        return
    cleaner = stack.enter_context(assembly.cleaner(settings))
    yield Kind("staged-uploads", "uploads that were never finished", cleaner.stagings(), cleaner.remove_stagings)
    yield Kind("orphan-blobs", "contents that no file of the index has", cleaner.orphans(), cleaner.remove_orphans)
    yield _paths("old-logs", "logs of earlier servers", (path for path in data.glob("server.log.*") if path.is_file()))


def _of_folders() -> Iterator[Kind]:
    """Databases of folders that were served and are gone. What was uploaded lay in the folder itself; when, and by whom, goes with this."""
    from purveyor.process import runfile  # noqa: PLC0415 - as above
    from purveyor.process.occupancy import FILE, occupant  # noqa: PLC0415 - as above

    def is_gone(data: Path) -> bool:
        try:
            folder = runfile.read(data / FILE).folder
        except (OSError, ValueError):
            return False
        return folder is not None and not folder.exists() and occupant(data) is None

    with suppress(Misconfigured):  # without a home directory there are none
        folders = (default_data() / "folders").glob("*")
        yield _paths("folders", "kept for served folders that are no longer there", filter(is_gone, folders), shutil.rmtree)


def _paths(name: str, what: str, found: Iterable[Path], remove: Callable[[Path], object] = Path.unlink) -> Kind:
    paths = tuple(sorted(found))
    return Kind(name, what, Amount.of(map(_size, paths)), lambda: Amount.of(_removed(paths, remove)), paths)


def _removed(paths: Iterable[Path], remove: Callable[[Path], object]) -> Iterator[int]:
    for path in paths:
        size = _size(path)
        with suppress(FileNotFoundError):
            remove(path)
            yield size


def _size(path: Path) -> int:
    try:
        return sum(map(_size, path.iterdir())) if path.is_dir() and not path.is_symlink() else path.lstat().st_size
    except OSError:
        return 0  # gone meanwhile


def _report(done: list[tuple[Kind, Amount]], reporter: Reporter, *, removed: bool) -> None:
    total = sum(amount.bytes for _, amount in done)
    document = {
        "removed": removed,
        "bytes": total,
        "kinds": [
            {"kind": kind.name, "count": amount.count, "bytes": amount.bytes, "paths": [str(path) for path in kind.paths]}
            for kind, amount in done
        ],
    }
    lines = [line for kind, amount in done if amount.count for line in _lines(kind, amount)]
    if not lines:
        last = "Nothing is stale."
    elif removed:
        last = f"Removed: {sized(total)}."
    else:
        last = f"{sized(total)} in all; `purveyor clean --yes` removes it."
    reporter.result(document, *lines, last)


def _lines(kind: Kind, amount: Amount) -> Iterator[str]:
    yield f"{amount.count:>8}  {sized(amount.bytes):>9}  {kind.what}"
    yield from (f"{'':>21}{path}" for path in kind.paths)
