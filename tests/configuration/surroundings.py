"""A home, a project and a system directory of a test's own, in which it plants what clients read."""

from pathlib import Path

from purveyor.workbench.configuration.found import Surroundings


def planted(root: Path, **environ: str) -> Surroundings:
    """Surroundings below `root` alone; directories are made, files are the test's business."""
    for name in ("home", "home/project", "venv", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return Surroundings(environ, root / "home", root / "home" / "project", root / "venv", root / "etc")


def plant(path: Path, content: str) -> Path:
    """Write a file, with the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path
