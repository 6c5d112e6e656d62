"""One operation of the management API, and one call of it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from purveyor.application import Application
from purveyor.model.grants import Permission
from purveyor.model.indexes import IndexName
from purveyor.model.names import NormalizedName, normalize
from purveyor.publishing.lifecycle import Selection

Document = dict[str, Any]


class Call(Struct, frozen=True):
    """One request, once it is known who asks: `body` holds fields that the operation has, each of its type."""

    app: Application
    index: IndexName
    actor: str
    body: Mapping[str, Any]
    path: Mapping[str, str] = field(default_factory=dict)

    @property
    def project(self) -> NormalizedName:
        return normalize(self.path["name"])

    @property
    def selection(self) -> Selection:
        return Selection(self.index, self.project, self.body.get("version"), tuple(self.body.get("filenames", ())))

    @property
    def reason(self) -> str:
        reason: str = self.body.get("reason", "")
        return reason


class Operation(Struct, frozen=True):
    """`path` is relative to the index's root; the `fields` of a GET come in its query.

    With `permission` None no token is asked for: what it tells, the pages tell too.
    """

    name: str
    method: str
    path: str
    summary: str
    work: Callable[[Call], Document]
    fields: Mapping[str, str] = field(default_factory=dict)
    permission: Permission | None = Permission.MANAGE
