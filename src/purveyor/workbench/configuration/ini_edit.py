"""Changing values in an INI file and nothing else: comments, order and spacing stay. The result is read again before it is believed."""

import re
from collections.abc import Mapping
from configparser import Error, RawConfigParser
from dataclasses import dataclass, field

from purveyor.workbench.configuration.lines import NotEditable, appended, line_end, lines_of

_HEADER = re.compile(r"\[(.+)\]")


@dataclass(frozen=True, slots=True)
class IniEdit:
    """Sets `values` in `section`; of `additions`, lists of words, those that are missing are added to what stands there.

    Where a list does not stand there at all, `beginnings` has the words it starts with.
    """

    section: str
    values: Mapping[str, str] = field(repr=False)
    additions: Mapping[str, str] = field(default_factory=dict)
    beginnings: Mapping[str, str] = field(default_factory=dict)

    def applied(self, text: str) -> str:
        """The changed text; raises `NotEditable`."""
        before = parsed(text)
        wanted = {**self.values, **self._lists(before)}
        after = text
        for key, value in wanted.items():
            if before.get(self.section, {}).get(key) != value:
                after = _with_value(after, self.section, key, value)
        if parsed(after) != {**before, self.section: {**before.get(self.section, {}), **wanted}}:
            raise NotEditable(f"the section [{self.section}] is written in a way that cannot be changed safely")
        return after

    def _lists(self, before: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        lists = {}
        for key, word in self.additions.items():
            written = before.get(self.section, {}).get(key)
            present = self.beginnings.get(key, "") if written is None else written
            if word in present.split():
                lists[key] = present
            elif "\n" in present or (written is None and present):
                lists[key] = "\n".join(["", *present.split(), word])
            else:
                lists[key] = f"{present} {word}".strip()
        return lists


def parsed(text: str) -> dict[str, dict[str, str]]:
    """The content: sections, and the options of each; raises `NotEditable`."""
    parser = _Parser()
    try:
        parser.read_string(text)
    except Error as error:
        raise NotEditable("it is not a valid INI file") from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


class _Parser(RawConfigParser):
    """Keys as pip takes them: `index_url` is `index-url`."""

    def optionxform(self, optionstr: str) -> str:
        return _key(optionstr)


def _key(text: str) -> str:
    return text.strip().lower().replace("_", "-").removeprefix("--")


def _with_value(text: str, section: str, key: str, value: str) -> str:
    end = line_end(text)
    written = [f"{key} = {part}" if number == 0 else f"    {part}" for number, part in enumerate(value.split("\n"))]
    new = [line.rstrip() + end for line in written]
    lines = lines_of(text)
    bounds = _section(lines, section)
    if bounds is None:
        return appended(text, [f"[{section}]{end}", *new])
    first, last = _option(lines, *bounds, key) or (bounds[1], bounds[1])
    if first == len(lines) and lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    return "".join([*lines[:first], *new, *lines[last:]])


def _section(lines: list[str], section: str) -> tuple[int, int] | None:
    """The lines of the section's content, without what is empty or a comment at its end."""
    headers = [(number, match[1]) for number, line in enumerate(lines) if (match := _HEADER.match(line))]
    for place, (number, name) in enumerate(headers):
        if name == section:
            end = headers[place + 1][0] if place + 1 < len(headers) else len(lines)
            while end > number + 1 and not _is_content(lines[end - 1]):
                end -= 1
            return number + 1, end
    return None


def _option(lines: list[str], start: int, end: int, key: str) -> tuple[int, int] | None:
    """The lines of an option, those that continue its value included."""
    for number in range(start, end):
        name, separator, _ = lines[number].replace(":", "=", 1).partition("=")
        if separator and not lines[number][0].isspace() and _key(name) == key:
            last = number + 1
            while last < end and lines[last][0].isspace() and _is_content(lines[last]):
                last += 1
            return number, last
    return None


def _is_content(line: str) -> bool:
    return bool(line.strip()) and line.lstrip()[0] not in "#;"
