"""What the measured indexes hold. Every program is given the same projects and the same bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.wheels import Wheel, wheel

SMALL = "acme-app"
MANY = "acme-many"
MEDIUM = "acme-medium"
LARGE = "acme-large"

MANY_FILES = 3_000
MEDIUM_SIZE = 64 * 1024
LARGE_SIZE = 50 * 1000 * 1000
PROJECTS = 200
ALL_PROJECTS = 880_000


def _no_wheels() -> Iterator[Wheel]:
    yield from ()


@dataclass(frozen=True)
class Site:
    """`wheels` makes them one by one, so that 20,000 need no memory; `names` are projects without files; `key` goes into paths."""

    key: str
    title: str
    wheels: Callable[[], Iterator[Wheel]] = _no_wheels
    names: tuple[str, ...] = field(default=(), repr=False)


def everyday() -> Site:
    """200 projects: a small one, one with 3,000 files, one with a file of 64 KB, one of 50 MB; the rest have one small file."""
    return Site("everyday", "200 projects", _everyday_wheels)


def _everyday_wheels() -> Iterator[Wheel]:
    yield wheel(SMALL, "1.0")
    yield wheel(MEDIUM, "1.0", MEDIUM_SIZE)
    yield wheel(LARGE, "1.0", LARGE_SIZE)
    for number in range(MANY_FILES):
        yield wheel(MANY, f"{number // 100}.{number % 100}.0")
    for number in range(PROJECTS - 4):
        yield wheel(f"filler-{number:03d}", "1.0")


def all_names() -> Site:
    """As many names as the public index has, of about the length that names there have."""
    numbers = (number * 7919 % 10_000_000 for number in range(ALL_PROJECTS))
    return Site("880k", "880,000 projects", names=tuple(sorted(f"project-{number:07d}" for number in numbers)))


def of_files(count: int) -> Site:
    """`count` small files, ten to a project; the first project is `acme-app`."""

    def wheels() -> Iterator[Wheel]:
        for number in range(count):
            project = SMALL if number < 10 else f"filler-{number // 10:05d}"
            yield wheel(project, f"1.{number % 10}")

    return Site(f"{count}-files", f"{count:,} files", wheels)


def empty() -> Site:
    return Site("empty", "no project")
