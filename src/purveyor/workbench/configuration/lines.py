"""The lines of a configuration file, each with its own end, so that the untouched ones stay byte for byte."""

import re


class NotEditable(ValueError):
    """A file is not what it should be, or is written in a way that cannot be changed with confidence; says why."""


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one, unlike with `splitlines`."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def line_end(text: str) -> str:
    """How the file ends its lines."""
    return "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n"


def appended(text: str, lines: list[str]) -> str:
    """The text with a paragraph after it."""
    end = line_end(text)
    if text and not text.endswith("\n"):
        text += end
    gap = end if text and not text.endswith(("\n\n", "\n\r\n")) else ""
    return text + gap + "".join(lines)
