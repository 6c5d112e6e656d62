"""Which names an installed distribution says it offers, and which its files really offer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_MODULE_SUFFIXES = (".py", ".so", ".pyd")
_NOT_MODULES = ("__pycache__", "__main__", "setup", "conftest")
# Left in wheels by mistake more often than meant to be imported; looked at only where nothing else is there.
_ASIDE = ("test", "tests", "docs", "doc", "examples", "example", "benchmarks", "scripts", "tools")


@dataclass(frozen=True, slots=True)
class Installed:
    """What the environment knows of an installed distribution; `files` are its RECORD's paths, with forward slashes."""

    version: str
    files: tuple[str, ...]
    top_level: tuple[str, ...]
    import_names: tuple[str, ...] | None
    import_namespaces: tuple[str, ...]
    requires: tuple[str, ...]
    scripts: tuple[str, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, list[str] | str | None]) -> "Installed":
        def several(key: str) -> tuple[str, ...]:
            return tuple(values.get(key) or ())

        return cls(
            version=str(values["version"]),
            files=several("files"),
            top_level=several("top_level"),
            import_names=None if values.get("import_names") is None else several("import_names"),
            import_namespaces=several("import_namespaces"),
            requires=several("requires"),
            scripts=several("scripts"),
        )


@dataclass(frozen=True, slots=True)
class ImportNames:
    """`declared` by the distribution's own metadata, `offered` by its files. Modules below a namespace have dots."""

    declared: tuple[str, ...]
    offered: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Declared names for which there is no file."""
        return tuple(name for name in self.declared if not self._has(name))

    @property
    def to_import(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(name for name in self.declared if self._has(name)), *self.offered]))

    def _has(self, name: str) -> bool:
        """A namespace exists when something is below it; a submodule of an offered package is taken on trust."""
        return any(name == other or other.startswith(f"{name}.") or name.startswith(f"{other}.") for other in self.offered)


def import_names(installed: Installed) -> ImportNames:
    """Declared: Import-Name and Import-Namespace (core metadata 2.5), else setuptools' top_level.txt."""
    offered = offered_names(installed.files)
    if installed.import_names is not None or installed.import_namespaces:
        stated = [*(installed.import_names or ()), *installed.import_namespaces]
        declared = [name.partition(";")[0].strip() for name in stated]
    else:
        declared = [name for name in installed.top_level if name in offered or name not in _ASIDE]
    # Stubs are listed in top_level.txt as "requests-stubs", which no import statement can say.
    return ImportNames(tuple(name for name in dict.fromkeys(declared) if name.replace(".", "_").isidentifier()), offered)


def offered_names(files: Iterable[str]) -> tuple[str, ...]:
    """Top-level modules, and below a directory without an `__init__` (a namespace) the first ones found."""
    modules = [path for file in files if (path := _module_path(file))]
    packages = {path[:-1] for path in modules if path[-1] == "__init__"}
    names = dict.fromkeys(".".join(_outermost(path, packages)) for path in sorted(modules))
    kept = tuple(name for name in names if name.partition(".")[0] not in _ASIDE)
    return kept or tuple(names)


def is_stub_only(files: Iterable[str]) -> bool:
    """Whether the files are type stubs without a module (PEP 561: a directory `NAME-stubs`, or only `.pyi`)."""
    files = tuple(files)
    return any(file.endswith(".pyi") for file in files) and not offered_names(files)


def _outermost(path: tuple[str, ...], packages: set[tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest prefix that is a package, else the module itself."""
    return next((path[:depth] for depth in range(1, len(path)) if path[:depth] in packages), path)


def _module_path(file: str) -> tuple[str, ...] | None:
    """The dotted path of the module a file is, if it is one; `x.cpython-311-x86_64-linux-gnu.so` is the module x."""
    path = PurePosixPath(file)
    if path.suffix not in _MODULE_SUFFIXES or not path.parts or path.is_absolute():
        return None
    parts = (*path.parts[:-1], path.name.partition(".")[0])
    if parts[-1] in _NOT_MODULES or not all(part.isidentifier() for part in parts):
        return None
    return parts
