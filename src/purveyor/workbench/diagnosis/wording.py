"""What several findings say in the same words."""

import shlex
from collections.abc import Iterable


def install(url: str, requirement: str) -> str:
    """The command that installs the requirement from that index alone."""
    return f"pip install --index-url {shlex.quote(url)} {shlex.quote(requirement)}"


def shown(words: Iterable[str], most: int = 5) -> str:
    """A list for a sentence, its end told by number."""
    words = list(words)
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{rest}"
