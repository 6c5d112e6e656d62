"""Tokens: what they look like, and that only their digest is kept."""

import errno
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from purveyor.access.tokens import Tokens, is_well_formed
from purveyor.adapters.catalog import SqlCatalog
from purveyor.adapters.change_signal import MappedSignal
from purveyor.adapters.sqlite import Database
from purveyor.model.grants import Permission

NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    catalog = SqlCatalog(Database(tmp_path / "catalog.sqlite"), MappedSignal(tmp_path / "changes"))
    yield Tokens(catalog)
    catalog.close()


def test_a_new_token_grants_uploads_to_its_subject(tokens: Tokens) -> None:
    assert not tokens.any()
    grant = tokens.grant_for(tokens.create("ci", NOW))
    assert tokens.any()
    assert grant is not None
    assert (grant.subject, grant.allows(Permission.UPLOAD, NOW)) == ("ci", True)


def test_a_token_can_be_told_by_its_look_and_a_typing_error_in_it_too(tokens: Tokens) -> None:
    token = tokens.create("ci", NOW)
    assert token.startswith("pvy_")
    assert is_well_formed(token)
    for at in range(len(token)):
        wrong = token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]
        assert not is_well_formed(wrong)
        assert tokens.grant_for(wrong) is None


@pytest.mark.parametrize("token", ["", "pvy_", "pvy_" + "a" * 51, "\x00" * 55, "é" * 55, "\udcff" * 55, "a" * 100_000])
def test_anything_else_is_no_token(tokens: Tokens, token: str) -> None:
    assert tokens.grant_for(token) is None


def test_a_well_formed_token_of_another_index_grants_nothing(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    catalog = SqlCatalog(Database(tmp_path / "other" / "catalog.sqlite"), MappedSignal(tmp_path / "other" / "changes"))
    stranger = Tokens(catalog).create("ci", NOW)
    catalog.close()
    assert is_well_formed(stranger)
    assert tokens.grant_for(stranger) is None


def test_no_token_is_on_the_disk(tokens: Tokens, tmp_path: Path) -> None:
    token = tokens.create("ci", NOW)
    for path in tmp_path.iterdir():
        assert token[4:20].encode() not in path.read_bytes()


def test_a_token_that_could_be_left_nowhere_does_not_count(tokens: Tokens) -> None:
    """Or the next start would make none, and nobody could upload."""

    def full(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        tokens.create("owner", NOW, full)
    assert not tokens.any()


def test_no_two_tokens_are_alike(tokens: Tokens) -> None:
    assert len({tokens.create("ci", NOW) for _ in range(20)}) == 20
