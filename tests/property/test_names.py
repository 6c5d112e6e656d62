"""Names: normalising is idempotent, and nothing but a valid name has a normal form."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purveyor.errors import Refused
from purveyor.model.names import NAME_LIMIT, is_normalized, is_valid, normalize

NAMES = st.from_regex(re.compile(r"[A-Z0-9]([A-Z0-9._-]{0,198}[A-Z0-9])?", re.IGNORECASE | re.ASCII), fullmatch=True)


@given(NAMES)
def test_a_valid_name_has_one_normal_form(name: str) -> None:
    normal = normalize(name)
    assert is_normalized(normal)
    assert normalize(normal) == normal
    assert normalize(name.swapcase()) == normal
    assert normalize(re.sub(r"[-_.]", "-", name)) == normal


@given(st.text())
def test_a_text_is_a_valid_name_or_is_refused(text: str) -> None:
    if is_valid(text):
        assert text.isascii()
        assert is_normalized(normalize(text))
    else:
        assert not is_normalized(text)
        with pytest.raises(Refused):
            normalize(text)


@given(NAMES, st.sampled_from(["\n", "\r", "\0", " ", "/", "\\", "-", ".", "_", "\u212a", "\u0131", "\u2028", "é", "%2e"]))
def test_a_name_does_not_end_or_begin_with_what_a_name_does_not_consist_of(name: str, other: str) -> None:
    assert not is_valid(name + other)
    assert not is_valid(other + name)


@given(NAMES)
def test_a_name_over_the_limit_is_refused(name: str) -> None:
    assert not is_valid(name * (NAME_LIMIT // len(name) + 1))


@pytest.mark.parametrize("name", ["Flask", "zope.interface", "A", "7", "a--b", "a.-_b", "x" * NAME_LIMIT])
def test_names_of_real_projects_are_valid(name: str) -> None:
    assert is_valid(name)
