"""Changing values in a TOML file and nothing else: comments, order and spacing stay.

Only lines of the plainest kind are changed, and the result is parsed again: if it says anything but what was there with
the change made, the file is left alone. That is why this needs no library that writes TOML.
"""

import copy
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from purveyor.workbench.configuration.lines import NotEditable, appended, line_end, lines_of

Value = str | bool


@dataclass(frozen=True, slots=True)
class TomlEdit:
    """Sets `values` in the table `names`; () is the top of the file.

    With `matches` the names are those of an array of tables: the first of them that matches is changed, else one is added.
    """

    names: tuple[str, ...]
    values: Mapping[str, Value]
    matches: Callable[[Mapping[str, Any]], bool] | None = None

    def applied(self, text: str) -> str:
        """The changed text; raises `NotEditable`."""
        before = parsed(text)
        expected = copy.deepcopy(before)
        target = self._target(expected)
        missing = {key: value for key, value in self.values.items() if target.get(key) != value}
        target.update(missing)
        if not missing and expected == before:
            return text
        after = self._rewritten(text, before, missing)
        if not _says(after, expected):
            raise NotEditable(f"{'.'.join(self.names) or 'its beginning'} is written in a way that cannot be changed safely")
        return after

    def _target(self, content: dict[str, Any]) -> dict[str, Any]:
        """The table to change within `content`, made where it is missing."""
        place: Any = content
        for name in self.names[:-1] if self.matches else self.names:
            place = place.setdefault(name, {}) if isinstance(place, dict) else None
        if self.matches and isinstance(place, dict):
            entries = place.setdefault(self.names[-1], [])
            index = self._index(entries) if isinstance(entries, list) else 0
            if isinstance(entries, list) and index == len(entries):
                entries.append({})
            place = entries[index] if isinstance(entries, list) else None
        if not isinstance(place, dict):
            raise NotEditable(f"{'.'.join(self.names)} is not a table")
        return place

    def _index(self, entries: list[Any]) -> int:
        matches = self.matches or (lambda _: True)
        return next((n for n, entry in enumerate(entries) if isinstance(entry, dict) and matches(entry)), len(entries))

    def _rewritten(self, text: str, before: dict[str, Any], values: Mapping[str, Value]) -> str:
        lines = lines_of(text)
        nth = 0
        if self.matches:
            entries: Any = before
            for name in self.names:
                entries = entries.get(name, {})
            nth = self._index(list(entries))
        block = _block(lines, self.names, nth, array=self.matches is not None)
        end = line_end(text)
        if block is None:
            header = ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name) for name in self.names)
            header = f"[[{header}]]" if self.matches else f"[{header}]"
            return appended(text, [header + end, *(_line(key, value) + end for key, value in values.items())])
        for key, value in values.items():
            block = _set(lines, block, key, value, end)
        return "".join(lines)


def parsed(text: str) -> dict[str, Any]:
    """The content; raises `NotEditable`."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotEditable("it is not valid TOML") from error


def _says(text: str, content: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == content
    except (ValueError, RecursionError):
        return False


def _block(lines: list[str], names: tuple[str, ...], nth: int, *, array: bool) -> tuple[int, int] | None:
    """The lines of the nth table of that name, without what is empty or a comment at its end."""
    headers = [(number, *header) for number, line in enumerate(lines) if (header := _header(line)) and _begins_here(lines, number)]
    starts = [number + 1 for number, found, is_array in headers if (found, is_array) == (names, array)] if names else [0]
    if nth >= len(starts):
        return None
    start = starts[nth]
    end = next((number for number, _, _ in headers if number >= start), len(lines))
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return start, end


def _header(line: str) -> tuple[tuple[str, ...], bool] | None:
    """The names in a line such as `[a.b]`, and whether it is one of an array: `[[a.b]]`."""
    if not line.lstrip().startswith("["):
        return None
    try:
        content: Any = tomllib.loads(line)
    except ValueError:
        return None
    names: list[str] = []
    while isinstance(content, dict) and content:
        [(name, content)] = content.items()
        names.append(name)
    return tuple(names), isinstance(content, list)


def _begins_here(lines: list[str], number: int) -> bool:
    """Whether the line is one of its own, and not part of a text or a list of several lines: then what is before it is whole."""
    try:
        tomllib.loads("".join(lines[:number]))
    except ValueError:
        return False
    return True


_PLAIN = re.compile(
    r"""(?P<head>\s*(?P<key>[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')\s*=\s*)(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|true|false)(?P<tail>\s*(?:\#.*)?\n?)"""
)


def _set(lines: list[str], block: tuple[int, int], key: str, value: Value, ending: str) -> tuple[int, int]:
    """Change or add one line of the block; returns the block's new bounds."""
    start, end = block
    for number in range(start, end):
        found = _PLAIN.fullmatch(lines[number])
        if found and found["key"].strip("\"'") == key and _begins_here(lines, number):
            lines[number] = f"{found['head']}{_literal(value)}{found['tail']}"
            return start, end
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += ending
    gap = [ending] if end == 0 and lines and lines[0].strip() else []
    lines[end:end] = [_line(key, value) + ending, *gap]
    return start, end + 1


def _line(key: str, value: Value) -> str:
    return f"{key} = {_literal(value)}"


def _literal(value: Value) -> str:
    """The value in TOML; JSON's strings are valid there too."""
    return json.dumps(value, ensure_ascii=False)
