"""Directories as tests fill them."""

import os
from pathlib import Path

from tests.importing.here import STAMP


def filled(folder: Path, *files: tuple[str, bytes]) -> Path:
    """The folder with these files in it, all of one date."""
    folder.mkdir(parents=True, exist_ok=True)
    for filename, content in files:
        path = folder / filename
        path.write_bytes(content)
        os.utime(path, (STAMP, STAMP))
    return folder
