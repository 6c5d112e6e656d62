"""What the guide shows is what the command prints."""

import re
from pathlib import Path

from tests.configuration.conftest import Config, answered
from tests.docs.documents import ROOT

GUIDE = (ROOT / "docs" / "guides" / "configure-clients.md").read_text(encoding="utf-8")


def shown(command: str) -> str:
    """What the guide shows below that command."""
    found = re.search(rf"^\$ {re.escape(command)}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_lines_for_pip(config: Config) -> None:
    assert config("pip").out == shown("purveyor config pip")


def test_the_change_for_uv(home: Path) -> None:
    ran = answered(home, "y", "uv", "--write")
    assert ran.err.replace("[y/N]: ", "[y/N]: y\n") + ran.out == shown("purveyor config uv --write")


def test_the_note_on_a_further_index(config: Config) -> None:
    ran = config("pip", PIP_EXTRA_INDEX_URL="https://other.example/simple/")
    [note] = re.findall(r"^Note: .*\n", GUIDE, re.MULTILINE)
    assert note in ran.out
