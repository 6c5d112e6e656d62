"""What the doctor found: what, why, and the command to run. The one table of codes is here; docs/guides/diagnose.md repeats it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """A fault stops people, a warning will one day; a note is worth knowing, and ok is only told."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"

    @property
    def is_wrong(self) -> bool:
        return self in (Severity.WARNING, Severity.FAULT)


class Subject(StrEnum):
    ENVIRONMENT = "environment"
    SERVER = "server"
    INDEX = "index"
    PROJECT = "project"


OK, NOTE, WARNING, FAULT = Severity.OK, Severity.NOTE, Severity.WARNING, Severity.FAULT

_BY_SUBJECT: dict[Subject, dict[str, Severity]] = {
    Subject.ENVIRONMENT: {
        "python-found": OK,
        "tools-found": OK,
        "python-unusable": FAULT,
        "virtual-environment": OK,
        "virtual-environment-none": NOTE,
        "virtual-environment-gone": FAULT,
        "pip-missing": WARNING,
        "pip-of-another-python": WARNING,
        "client-uses-this-index": OK,
        "client-default-index": NOTE,
        "client-other-index": WARNING,
        "client-extra-index": WARNING,
        "client-no-index": WARNING,
        "client-find-links": NOTE,
        "client-configuration-broken": WARNING,
        "credentials-readable-by-others": WARNING,
        "credentials-for-this-host": NOTE,
        "proxy-swallows-index": FAULT,
        "clock-wrong": FAULT,
        "clock-differs": WARNING,
        "disk-nearly-full": WARNING,
        "data-directory-unknown": WARNING,
        "data-directory-not-writable": FAULT,
        "token-readable-by-others": FAULT,
    },
    Subject.SERVER: {
        "server-answers": OK,
        "server-silent": FAULT,
        "server-elsewhere": FAULT,
        "server-hangs": FAULT,
        "port-held-by-another": FAULT,
        "server-outdated": WARNING,
        "server-data-gone": FAULT,
        "run-file-stale": WARNING,
        "folder-file-broken": WARNING,
    },
    Subject.INDEX: {
        "index-answers": OK,
        "index-wrong-path": FAULT,
        "index-file-listing": FAULT,
        "index-needs-credentials": FAULT,
        "index-not-found": FAULT,
        "index-fails": FAULT,
        "index-not-an-index": FAULT,
        "index-without-json": NOTE,
        "index-slow": WARNING,
    },
    Subject.PROJECT: {
        "project-found": OK,
        "project-name-invalid": FAULT,
        "project-missing": FAULT,
        "project-name-differs": FAULT,
        "project-not-normalized": FAULT,
        "project-spelled-otherwise": OK,
        "project-page-fails": FAULT,
        "project-without-files": FAULT,
        "version-missing": FAULT,
        "project-only-yanked": FAULT,
        "project-only-prereleases": WARNING,
        "project-requires-python": FAULT,
        "project-no-file-fits": FAULT,
        "project-newer-does-not-fit": WARNING,
        "project-sdist-only": NOTE,
        "project-quarantined": FAULT,
        "project-archived": NOTE,
        "project-deprecated": NOTE,
        "project-shadowed": FAULT,
        "project-also-elsewhere": WARNING,
        "other-index-not-asked": NOTE,
        "upload-time-missing": NOTE,
        "file-missing": FAULT,
        "file-hash-differs": FAULT,
        "file-not-compared": NOTE,
        "wheel-broken": FAULT,
        "import-name-differs": NOTE,
        "nothing-to-import": WARNING,
    },
}

CODES: dict[str, tuple[Subject, Severity]] = {
    code: (subject, severity) for subject, codes in _BY_SUBJECT.items() for code, severity in codes.items()
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence each for `what`, `why` and `remedy`; `command` is a line for a shell that does what the remedy says.

    `command` is empty where a person has to decide or act. `fix` does the same as the command, only where that is safe:
    it takes away nothing anybody could miss. It says what it did, and may raise `OSError`.
    """

    code: str
    what: str
    why: str = ""
    remedy: str = ""
    command: str = ""
    fix: Callable[[], str] | None = field(default=None, compare=False)

    @property
    def subject(self) -> Subject:
        return CODES[self.code][0]

    @property
    def severity(self) -> Severity:
        return CODES[self.code][1]

    def as_json(self) -> dict[str, str | bool]:
        return {
            "subject": str(self.subject),
            "code": self.code,
            "severity": str(self.severity),
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "command": self.command,
            "fixable": self.fix is not None,
        }
