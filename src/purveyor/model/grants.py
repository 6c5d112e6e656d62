"""Who may do what. Time arrives as `now`."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    UPLOAD = "upload"
    MANAGE = "manage"
    PROMOTE = "promote"
    APPROVE = "approve"
    CHECK = "check"


_MANAGEMENT = frozenset({Permission.MANAGE, Permission.PROMOTE, Permission.APPROVE, Permission.CHECK})
"""Whoever may manage an index may also promote releases to it, approve of them, and record what came of their checks."""


class Grant(Struct, frozen=True):
    subject: str
    permissions: frozenset[Permission]
    expires_at: datetime | None = None

    def allows(self, permission: Permission, now: datetime) -> bool:
        held = permission in self.permissions or (permission in _MANAGEMENT and Permission.MANAGE in self.permissions)
        return held and (self.expires_at is None or now < self.expires_at)


class KnownToken(Struct, frozen=True):
    """What is known of a token that was given out: not the token."""

    identifier: str
    grant: Grant
    created_at: datetime


_IDENTIFIER = 12


def token_identifier(token_sha256: bytes) -> str:
    """What a token is called in lists: the beginning of its digest, which tells nothing of it."""
    return token_sha256.hex()[:_IDENTIFIER]
