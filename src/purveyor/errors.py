"""Everything that can go wrong, typed by whose fault it is.

    PurveyorError
    ├── Refused            the upload is wrong; every complaint at once
    │   └── PromotionRefused   the release does not meet what the target index demands
    ├── Conflict           the upload is right, but what is already here stands
    ├── BadRequest         a request that cannot be understood
    ├── NotFound           no such project, file or token
    ├── NotAuthenticated   nobody has said who they are, or not believably
    ├── NotAllowed         we know who you are; you may not do this
    ├── StoreFailed        our own disk or database let us down
    │   └── WritesPaused       the index is being moved, or has moved
    ├── Misconfigured      a setting or argument cannot be used
    ├── PortTaken          another process listens where we were asked to
    ├── DataInUse          another server has the data directory
    ├── ServerNotRunning   no server of this user is the one that is meant
    ├── IndexUnreachable   an index we talk to does not answer, or not as an index
    ├── UpstreamFailed     an upstream of an index does not answer, or with what cannot be believed
    ├── BuildFailed        a project could not be built
    └── CheckFailed        a verification found a fault

None knows an HTTP status or an exit code: `api/problems.py` and `cli/main.py` own those two tables.
"""

from collections.abc import Sequence
from typing import ClassVar


class PurveyorError(Exception):
    """What happened and why (`detail`), and the next step (`remedy`): one sentence each, fit to be shown to a person.

    `code` is stable and documented in docs/reference/errors.md; programs may depend on it.
    """

    code: ClassVar[str] = "internal-error"

    def __init__(self, detail: str, remedy: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.detail} {self.remedy}".rstrip()


class Refused(PurveyorError):
    """An upload that breaks the standards or disagrees with itself; `complaints` holds every reason found."""

    code = "upload-refused"

    def __init__(self, complaints: Sequence[str] | str, remedy: str = "") -> None:
        self.complaints: tuple[str, ...] = (complaints,) if isinstance(complaints, str) else tuple(complaints)
        super().__init__(" ".join(self.complaints), remedy)


class TooLarge(Refused):
    code = "upload-too-large"


class PromotionRefused(Refused):
    code = "promotion-refused"


class Conflict(PurveyorError):
    code = "file-exists"


class BadRequest(PurveyorError):
    code = "bad-request"


class NotFound(PurveyorError):
    code = "not-found"


class NotAuthenticated(PurveyorError):
    code = "not-authenticated"


class NotAllowed(PurveyorError):
    code = "not-allowed"


class StoreFailed(PurveyorError):
    code = "store-failed"


class StoreFull(StoreFailed):
    code = "store-full"


class WritesPaused(StoreFailed):
    code = "writes-paused"


class Misconfigured(PurveyorError):
    code = "misconfigured"


class PortTaken(PurveyorError):
    code = "port-taken"


class DataInUse(PurveyorError):
    code = "data-in-use"


class ServerNotRunning(PurveyorError):
    code = "server-not-running"


class IndexUnreachable(PurveyorError):
    code = "index-unreachable"


class UpstreamFailed(PurveyorError):
    """`wait` is for how many seconds it is of no use to ask that upstream again for anything; 0 where only this one answer was bad."""

    code = "upstream-failed"

    def __init__(self, detail: str, remedy: str = "", *, wait: float = 0.0) -> None:
        super().__init__(detail, remedy)
        self.wait = wait


class BuildFailed(PurveyorError):
    code = "build-failed"


class CheckFailed(PurveyorError):
    code = "check-failed"
