"""Who may do what. Time arrives as `now`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    UPLOAD = "upload"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Grant:
    subject: str
    permissions: frozenset[Permission]
    expires_at: datetime | None = None

    def allows(self, permission: Permission, now: datetime) -> bool:
        return permission in self.permissions and (self.expires_at is None or now < self.expires_at)
