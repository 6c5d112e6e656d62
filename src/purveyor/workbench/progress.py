"""What the workbench tells of its work while it works; whoever called it decides how that is shown."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    def say(self, line: str) -> None:
        """Something is done, or about to be; one sentence."""
        ...

    def transfer(self, label: str, size: int) -> AbstractContextManager[Callable[[int], None]]:
        """Bytes on their way: call what is entered with the number of bytes after each piece."""
        ...
