"""What whoever operates a server asks of each part that it stands on."""

from collections.abc import Mapping
from typing import Protocol


class Check(Protocol):
    """One thing without which a server cannot do its work, such as its database."""

    def check(self) -> str:
        """How it is now, in one sentence without secrets. Raises `PurveyorError` saying what is wrong.

        Called about once a second while somebody asks, never twice at a time, in a thread of its own: it may wait, but must cost little.
        """
        ...


Checks = Mapping[str, Check]
"""By the names under which `/health/ready` lists them."""
