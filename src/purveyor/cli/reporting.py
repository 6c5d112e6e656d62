"""How progress reaches the person or program: a bar on a terminal, plain lines elsewhere, one object with --json."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")

_BAR_FROM = 1 << 20
"""Bytes below which a transfer is over before a bar could be read."""


class Reporter:
    """Progress goes to standard error, results to standard output, so that a pipe receives the results alone."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, line: str) -> None:
        if not self.as_json:
            click.echo(line, err=True)

    @contextmanager
    def transfer(self, label: str, size: int) -> Iterator[Callable[[int], None]]:
        if self.as_json or size < _BAR_FROM or not sys.stderr.isatty():
            self.say(f"{label} ({sized(size)})")
            yield lambda _count: None
            return
        with click.progressbar(length=size, label=label, file=sys.stderr, show_pos=False) as bar:
            yield bar.update

    def result(self, document: dict[str, Any], *lines: str) -> None:
        """What the command came to: the document with --json, the lines otherwise."""
        if self.as_json:
            click.echo(json.dumps(document))
            return
        for line in lines:
            click.echo(line)


def sized(count: int) -> str:
    """A number of bytes as people read it."""
    if count < 1000:  # noqa: PLR2004 - the one place that knows the steps
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000 or unit == "GB":  # noqa: PLR2004 - as above
            break
    return f"{amount:.1f} {unit}"
