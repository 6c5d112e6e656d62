"""A project that builds in an isolated environment without any index: its backend lies in its own tree."""

from pathlib import Path

_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "{version}"
"""

_BACKEND = """\
import io, pathlib, tarfile, zipfile

NAME, VERSION, CONTENT = "{name}", "{version}", {content!r}
METADATA = f"Metadata-Version: 2.1\\\\nName: {{NAME}}\\\\nVersion: {{VERSION}}\\\\n"


def build_sdist(directory, config_settings=None):
    stem = f"{{NAME}}-{{VERSION}}"
    files = {{name: pathlib.Path(name).read_text() for name in ("pyproject.toml", "backend.py")}}
    with tarfile.open(pathlib.Path(directory, stem + ".tar.gz"), "w:gz") as archive:
        for name, text in (files | {{"PKG-INFO": METADATA}}).items():
            member = tarfile.TarInfo(f"{{stem}}/{{name}}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return stem + ".tar.gz"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    filename = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    folder = f"{{NAME}}-{{VERSION}}.dist-info"
    with zipfile.ZipFile(pathlib.Path(directory, filename), "w") as archive:
        archive.writestr(NAME + ".py", CONTENT)
        archive.writestr(folder + "/METADATA", METADATA)
        archive.writestr(folder + "/WHEEL", "Wheel-Version: 1.0\\\\nRoot-Is-Purelib: true\\\\nTag: py3-none-any\\\\n")
        archive.writestr(folder + "/RECORD", "")
    return filename
"""


def project(directory: Path, name: str = "acme", version: str = "1.0", content: str = "", backend: str = "") -> Path:
    """The project, written into `directory`; `backend` replaces the code that builds it."""
    directory.mkdir(parents=True)
    (directory / "pyproject.toml").write_text(_PYPROJECT.format(name=name, version=version))
    (directory / "backend.py").write_text(backend or _BACKEND.replace("\\\\", "\\").format(name=name, version=version, content=content))
    return directory
