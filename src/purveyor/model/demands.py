"""What an index demands of a release before it takes it from another one."""

from datetime import timedelta

from msgspec import Struct


class Demands(Struct, frozen=True):
    """`age` is how long the release has been in the index it comes from, `approvals` how many others must have said yes to it."""

    age: timedelta = timedelta()
    checks: tuple[str, ...] = ()
    approvals: int = 0

    def __bool__(self) -> bool:
        return self != NO_DEMANDS


NO_DEMANDS = Demands()
