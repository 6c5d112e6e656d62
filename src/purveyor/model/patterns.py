"""Patterns of project names, for settings that are about many projects."""

import re

from msgspec import Struct

from purveyor.errors import Refused
from purveyor.model.names import NormalizedName

_PATTERN = re.compile(r"[a-z0-9*]+(-[a-z0-9*]+)*\Z", re.ASCII)


class NamePattern(Struct, frozen=True):
    """A normalised project name in which `*` stands for any characters, none included."""

    text: str

    def __post_init__(self) -> None:
        if not _PATTERN.match(self.text):
            raise Refused(
                f"{self.text!r} is not a pattern for project names.", "Give a normalised name, with * for any characters: acme-*."
            )

    def matches(self, name: NormalizedName) -> bool:
        return re.fullmatch(re.escape(self.text).replace(r"\*", ".*"), name) is not None
