"""A simple/ tree of plain files: the pages tell of the files, which lie in the same directory or beside it."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from purveyor.formats.simple_reader import JSON_TYPE, OfferedFile, ProjectPage, read_project
from purveyor.model.names import NormalizedName, is_valid, normalize
from purveyor.workbench.importing.folders import absent, distribution_files, inside, opened
from purveyor.workbench.importing.offers import Batch, Missing, Offer, OnDisk, believable, is_distribution, known_hashes

# The richest first: an HTML page tells no upload times.
_PAGES = ("index.v1_json", "index.json", "index.v1_html", "index.html")
_PAGE_LIMIT = 64 << 20
# Pages are read as if the tree were served here, so that relative links and links from the root lead to files of the tree.
_SERVED = "http://tree.invalid"


class StaticTree(OnDisk):
    """`root` is the directory that holds all files, `simple` the one with a directory for each project's page."""

    kind = "a static index"

    def __init__(self, root: Path, simple: Path) -> None:
        self.shown = str(root)
        self._root = root
        self._pages = {page.parent.name: page for page in _pages(simple)}
        self._files: dict[str, list[Path]] = {}
        for path in distribution_files(root)[0]:
            self._files.setdefault(path.name, []).append(path)

    def projects(self, wanted: Sequence[NormalizedName]) -> Sequence[str]:
        if not wanted:
            return list(self._pages)
        named = {normalize(name): name for name in self._pages}
        return [named.get(name, name) for name in wanted]

    def batch(self, project: str) -> Batch:
        path = self._pages.get(project)
        if path is None:
            return absent(project)
        try:
            page = self._read(path)
        except OSError as error:
            return Batch(project, missing=(Missing(project, f"{path} cannot be read: {error.strerror}."),))
        offers: list[Offer] = []
        missing: list[Missing] = []
        for file in page.files:
            if is_distribution(file.filename):
                found = self._found(file)
                if found is None:
                    missing.append(Missing(file.filename, f"{path} offers it, but the tree does not have it."))
                else:
                    offers.append(_offer(file, found))
        return Batch(project, tuple(offers), page.status, tuple(missing))

    def _read(self, path: Path) -> ProjectPage:
        with path.open("rb") as file:
            body = file.read(_PAGE_LIMIT)
        url = f"{_SERVED}/{quote(path.relative_to(self._root).as_posix())}"
        return read_project(body, JSON_TYPE if path.name.endswith("json") else "text/html", url)

    def _found(self, file: OfferedFile) -> Path | None:
        """Where the link leads; or, where it leads out of the tree, the file of that name."""
        try:
            parts = urlsplit(file.url)
        except ValueError:
            parts = urlsplit("")
        linked = inside(self._root, self._root / unquote(parts.path).lstrip("/"))
        if linked is not None and linked.name == file.filename:
            return linked
        return next((path for name in self._files.get(file.filename, ()) if (path := inside(self._root, name))), None)


def simple_directory(root: Path) -> Path | None:
    """The directory with the projects' pages, if `root` is a static index: itself, or its simple/."""
    for candidate in (root / "simple", root):
        if any(_pages(candidate)):
            return candidate
    return None


def _pages(simple: Path) -> Iterable[Path]:
    """Each project's page; some trees put the projects into a directory for each initial."""
    folders = [folder for folder in sorted(_folders(simple)) if is_valid(folder.name)]
    for folder in folders:
        page = _page(folder)
        yield from [page] if page else filter(None, map(_page, sorted(_folders(folder))))


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []


def _page(folder: Path) -> Path | None:
    return next((path for name in _PAGES if (path := folder / name).is_file()), None)


def _offer(file: OfferedFile, path: Path) -> Offer:
    return Offer(
        filename=file.filename,
        origin=str(path),
        open=partial(opened, path),
        hashes=known_hashes(file.hashes),
        size=file.size,
        uploaded_at=believable(file.uploaded_at),
        yanked=file.yanked,
    )
