"""Tokens: opaque strings with a fixed prefix, so that secret scanners know them, and a checksum, so that a typing error needs no look-up.

Only their SHA-256 is kept. That is enough for a string of 256 random bits; a slow hash is for what people think up.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from purveyor.errors import Conflict, NotFound
from purveyor.interfaces import Catalog
from purveyor.model.grants import Grant, KnownToken, Permission, token_identifier

PREFIX = "pvy_"
_SECRET_LENGTH = 43  # characters of a 62-letter alphabet: 256 bits
_CHECK_LENGTH = 8
_ALPHABET = string.ascii_letters + string.digits


class Tokens:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(
        self,
        subject: str,
        now: datetime,
        leave: Callable[[str], object] = lambda _: None,
        *,
        permissions: Iterable[Permission] = (Permission.UPLOAD, Permission.MANAGE),
        expires_at: datetime | None = None,
        actor: str | None = None,
    ) -> str:
        """A new token, which may upload and manage if nothing else is said; returned once and never shown again.

        `leave` is given it before it counts, and may put it where it is looked for: a token that counts but was left nowhere helps nobody.
        """
        token = _new()
        leave(token)
        self._catalog.add_token(digest(token), Grant(subject, frozenset(permissions), expires_at), now, actor)
        return token

    def create_first(self, subject: str, now: datetime, leave: Callable[[str], object], take_back: Callable[[], object]) -> str | None:
        """As `create`, for somebody who may do everything; None, and taken back, if another server over the same catalog was quicker."""
        token = _new()
        leave(token)
        if self._catalog.add_first_token(digest(token), Grant(subject, frozenset((Permission.UPLOAD, Permission.MANAGE))), now):
            return token
        take_back()
        return None

    def grant_for(self, token: str) -> Grant | None:
        """What the token allows, or None. What it costs does not depend on how nearly right the token is."""
        return self._catalog.grant(digest(token)) if is_well_formed(token) else None

    def description(self, token: str, grant: Grant, now: datetime) -> KnownToken:
        """What `known` says of a token that was just created."""
        return KnownToken(token_identifier(digest(token)), grant, now)

    def known(self) -> Sequence[KnownToken]:
        return self._catalog.tokens()

    def revoke(self, identifier: str, actor: str, now: datetime) -> None:
        """Raises `NotFound`, and `Conflict` for the last token that may manage: after it, nobody could give one out."""
        known = {token.identifier: token.grant for token in self.known()}
        if identifier not in known:
            raise NotFound(f"There is no token {identifier}.", "`purveyor token list` shows those there are.")
        if not any(grant.allows(Permission.MANAGE, now) for other, grant in known.items() if other != identifier):
            raise Conflict(f"The token {identifier} is the last one that may manage.", "Create another one first.")
        self._catalog.remove_token(identifier, actor, now)

    def any(self) -> bool:
        return self._catalog.has_tokens()


def _new() -> str:
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(token: str) -> bool:
    if len(token) != len(PREFIX) + _SECRET_LENGTH + _CHECK_LENGTH or not token.startswith(PREFIX):
        return False
    return _checksum(token[len(PREFIX) : -_CHECK_LENGTH]) == token[-_CHECK_LENGTH:]


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _checksum(secret: str) -> str:
    return f"{zlib.crc32(secret.encode('utf-8', 'replace')):08x}"
