"""What one archive may cost, and everything found wrong with it."""

from msgspec import Struct

from purveyor.errors import Refused

RATIO_FREE = 64 << 20
_SHOWN_COMPLAINTS = 20
_SHOWN_CHARACTERS = 100


class Limits(Struct, frozen=True):
    """Bytes once unpacked, entries, and bytes unpacked for each byte packed (which counts above 64 MiB unpacked)."""

    unpacked_size: int
    entries: int
    ratio: int


class Inspection:
    """Collects complaints, so that an uploader hears of all of them at once, and stops what costs too much."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.packed = packed
        self._complaints: list[str] = []
        self._unsaid = 0

    def complain(self, sentence: str) -> None:
        """A fault after which reading goes on. Of a flood of them, only the first are kept."""
        if len(self._complaints) < _SHOWN_COMPLAINTS:
            self._complaints.append(sentence)
        else:
            self._unsaid += 1

    def verdict(self) -> None:
        """Raises `Refused` with everything found, if anything was."""
        if self._unsaid:
            self._complaints.append(f"There are {self._unsaid} more faults like these.")
        if self._complaints:
            raise Refused(self._complaints)

    def check_entries(self, count: int) -> None:
        if count > self.limits.entries:
            raise Refused(f"The archive has more than {self.limits.entries} entries, the most that are accepted.")

    def check_size(self, unpacked: int) -> None:
        """Called before memory or time is spent on that many bytes."""
        if unpacked > self.limits.unpacked_size:
            raise Refused(f"The archive unpacks to more than {self.limits.unpacked_size} bytes, the most that is accepted.")
        if unpacked > RATIO_FREE and unpacked > self.limits.ratio * self.packed:
            raise Refused(f"The archive unpacks to more than {self.limits.ratio} times its size, as decompression bombs do.")


def shown(text: str | bytes) -> str:
    """Foreign text, fit for a sentence: quoted, ASCII only, and short."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return ascii(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "...")
