"""How progress reaches the person or program: a bar on a terminal, plain lines elsewhere, one object with --json."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")

_BAR_FROM = 1 << 20
"""Bytes below which a transfer is over before a bar could be read."""
_LINE_SECONDS = 10.0


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

    @contextmanager
    def progress(self, label: str, count: int) -> Iterator[Callable[[int], None]]:
        """Of so many things: a bar on a terminal, elsewhere a line every ten seconds."""
        if self.as_json or not count:
            yield lambda _count: None
        elif sys.stderr.isatty():
            with click.progressbar(length=count, label=label, file=sys.stderr, show_pos=True) as bar:
                yield bar.update
        else:
            yield _Lines(self, label, count).update

    def lines(self, *lines: str) -> None:
        """Part of the result that is known already; with --json it stands in the document."""
        if not self.as_json:
            for line in lines:
                click.echo(line)

    def result(self, document: dict[str, Any], *lines: str) -> None:
        """What the command came to: the document with --json, the lines otherwise."""
        if self.as_json:
            click.echo(json.dumps(document))
            return
        for line in lines:
            click.echo(line)


class _Lines:
    def __init__(self, reporter: Reporter, label: str, count: int) -> None:
        self._reporter = reporter
        self._label = label
        self._count = count
        self._done = 0
        self._told = time.monotonic()

    def update(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._told > _LINE_SECONDS:
            self._told = time.monotonic()
            self._reporter.say(f"{self._label}: {self._done} of {self._count}")


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
