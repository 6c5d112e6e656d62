"""What poetry, pdm and hatch would use: the pyproject.toml of the project one stands in, and the user's own file of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from purveyor.workbench.configuration.found import Configured, Finding, Found, Kind, Surroundings, table, tables, texts, toml_of, variable

_POETRY_KINDS: dict[str, Kind] = {"primary": "index", "default": "index", "supplemental": "extra-index", "explicit": "explicit-index"}
_HATCH_INDEX_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")


def read_poetry(surroundings: Surroundings) -> Found:
    """Sources of the project, and where `poetry publish -r NAME` sends files."""
    project = _project("poetry", surroundings)
    if isinstance(project, Finding):
        yield project
    elif project:
        path, content = project
        for source in tables(table(content, "tool", "poetry").get("source")):
            kind = _POETRY_KINDS.get(str(source.get("priority", "primary")).lower(), "index")
            for url in texts(source.get("url")):
                yield Configured("poetry", kind, url, f"file {surroundings.shown(path)}, [[tool.poetry.source]] {source.get('name')}", path)
    for name, value in surroundings.environ.items():
        if name.startswith("POETRY_REPOSITORIES_") and name.endswith("_URL"):
            yield Configured("poetry", "upload", value, variable(name))
    yield from _uploads("poetry", poetry_file(surroundings), ("repositories",), surroundings)


def poetry_file(surroundings: Surroundings) -> Path:
    named = surroundings.environ.get("POETRY_CONFIG_DIR")
    return (surroundings.expanded(named) if named else surroundings.user_config("pypoetry")) / "config.toml"


def read_pdm(surroundings: Surroundings) -> Found:
    """A source named `pypi` is the index; else PDM_PYPI_URL, else the user's file."""
    settled = False
    project = _project("pdm", surroundings)
    if isinstance(project, Finding):
        yield project
    elif project:
        path, content = project
        for source in tables(table(content, "tool", "pdm").get("source")):
            is_index = source.get("name") == "pypi"
            settled = settled or is_index
            for url in texts(source.get("url")):
                shown = f"file {surroundings.shown(path)}, [[tool.pdm.source]] {source.get('name')}"
                yield Configured("pdm", "index" if is_index else "extra-index", url, shown, path)
    if surroundings.environ.get("PDM_PYPI_URL"):
        yield Configured("pdm", "index", surroundings.environ["PDM_PYPI_URL"], variable("PDM_PYPI_URL"), effective=not settled)
        settled = True
    yield from _pdm_of_the_user(surroundings, settled=settled)


def _pdm_of_the_user(surroundings: Surroundings, *, settled: bool) -> Found:
    path = pdm_file(surroundings)
    content = toml_of("pdm", path, surroundings)
    if isinstance(content, dict):
        for url in texts(table(content, "pypi").get("url")):
            yield Configured("pdm", "index", url, f"file {surroundings.shown(path)}, [pypi] url", path, effective=not settled)
    yield from _uploads("pdm", path, ("repository",), surroundings)


def pdm_file(surroundings: Surroundings) -> Path:
    named = surroundings.environ.get("PDM_CONFIG_FILE")
    return surroundings.expanded(named) if named else surroundings.user_config("pdm") / "config.toml"


def read_hatch(surroundings: Surroundings) -> Found:
    """What its environments are filled from, and where `hatch publish` sends files."""
    project = _project("hatch", surroundings)
    if isinstance(project, Finding):
        yield project
    elif project:
        path, content = project
        variables = table(content, "tool", "hatch", "envs", "default", "env-vars")
        for name in _HATCH_INDEX_VARIABLES:
            for url in texts(variables.get(name)):
                shown = f"file {surroundings.shown(path)}, [tool.hatch.envs.default.env-vars] {name}"
                yield Configured("hatch", "index", url, shown, path)
    if surroundings.environ.get("HATCH_INDEX_REPO"):
        yield Configured("hatch", "upload", surroundings.environ["HATCH_INDEX_REPO"], variable("HATCH_INDEX_REPO"))
    yield from _uploads("hatch", hatch_file(surroundings), ("publish", "index", "repos"), surroundings)


def hatch_file(surroundings: Surroundings) -> Path:
    named = surroundings.environ.get("HATCH_CONFIG")
    return surroundings.expanded(named) if named else surroundings.user_config("hatch") / "config.toml"


def _project(client: str, surroundings: Surroundings) -> tuple[Path, dict[str, Any]] | Finding | None:
    """The nearest pyproject.toml."""
    for directory in surroundings.upwards():
        content = toml_of(client, directory / "pyproject.toml", surroundings)
        if content is not None:
            return content if isinstance(content, Finding) else (directory / "pyproject.toml", content)
    return None


def _uploads(client: str, path: Path, names: tuple[str, ...], surroundings: Surroundings) -> Iterator[Configured | Finding]:
    """The named places to publish to, each a URL or a table with one."""
    content = toml_of(client, path, surroundings)
    if isinstance(content, Finding):
        yield content
        return
    for name, target in table(content, *names).items():
        for url in texts(target.get("url") if isinstance(target, dict) else target):
            yield Configured(client, "upload", url, f"file {surroundings.shown(path)}, [{'.'.join((*names, name))}] url", path)
