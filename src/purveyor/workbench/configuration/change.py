"""A change to one file: shown first, then made at once or not at all, with what was there kept beside it."""

import difflib
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from purveyor.errors import Misconfigured, StoreFailed
from purveyor.workbench.configuration.found import without_credentials
from purveyor.workbench.configuration.lines import NotEditable
from purveyor.workbench.configuration.recipes import Recipe

_SECRET = re.compile(r"^([-+ ]?\s*[\w-]*(?:password|token|auth|secret)[\w-]*\s*[=:]\s*).*$", re.IGNORECASE)
_PRIVATE, _PUBLIC = 0o600, 0o666


@dataclass(frozen=True, slots=True)
class Change:
    """`path` is as the client names it, `target` the file behind its symbolic links; `mode` is what it is to have."""

    path: Path
    target: Path
    before: bytes | None = field(repr=False)
    after: bytes = field(repr=False)
    mode: int

    @property
    def is_needed(self) -> bool:
        return self.before != self.after or stat.S_IMODE(self.target.stat().st_mode) != self.mode

    def diff(self, name: str) -> str:
        """A unified diff of the file, which it calls `name`, in which every password is hidden."""
        before, after = ((text or b"").decode().splitlines() for text in (self.before, self.after))
        lines = list(difflib.unified_diff(before, after, name, name, lineterm=""))
        return "\n".join(hidden(line) for line in lines) or f"{name}: only its permissions change, to {self.mode:o}"

    def write(self) -> Path | None:
        """Make the change; returns where the earlier content is kept. Raises `StoreFailed`, and has then changed nothing."""
        try:
            if _content(self.target) != self.before:
                raise StoreFailed(f"{self.path} was changed by someone else meanwhile, and was left alone.", "Run the command again.")
            self.target.parent.mkdir(parents=True, exist_ok=True)
            kept = self._keep()
            try:
                self._replace()
            except BaseException:
                if kept is not None:
                    kept.unlink()
                raise
        except OSError as error:
            raise StoreFailed(
                f"{self.path} could not be written: {error.strerror or error}.", "Make its directory writable, or set HOME to another."
            ) from None
        return kept

    def _keep(self) -> Path | None:
        """A copy of the earlier content in a new file beside it, which no earlier copy makes way for."""
        if self.before is None:
            return None
        number = 0
        while True:
            kept = self.target.with_name(f"{self.target.name}.bak{number or ''}")
            with suppress(FileExistsError):
                # The copy may hold passwords too: it is born private, and then gets what the file has.
                descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(self.before)
                    os.fchmod(file.fileno(), stat.S_IMODE(self.target.stat().st_mode) & self.mode)
                return kept
            number += 1

    def _replace(self) -> None:
        descriptor, scratch = tempfile.mkstemp(prefix=f".{self.target.name}.", dir=self.target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.after)
                os.fchmod(file.fileno(), self.mode)
                if self.before is not None and (was := self.target.stat()).st_uid != os.geteuid():
                    os.fchown(file.fileno(), was.st_uid, was.st_gid)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).replace(self.target)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(scratch).unlink()
            raise


def planned(recipe: Recipe) -> Change:
    """What the recipe changes in the file as it is now. Raises `Misconfigured` for a file that cannot be changed."""
    try:
        target = Path(os.path.realpath(recipe.path))
        before = _content(target)
        mode = _mode(target, private=recipe.private)
    except OSError as error:
        raise Misconfigured(
            f"{recipe.path} cannot be read: {error.strerror or error}.", "Make it a readable file, or move it away."
        ) from None
    if before is not None and not mode & stat.S_IWUSR:
        raise Misconfigured(f"{recipe.path} is read-only, and was left alone.", f"Run `chmod u+w {recipe.path}` if it may be changed.")
    try:
        after = recipe.applied((before or b"").decode())
    except UnicodeDecodeError:
        raise _refused(recipe, "it is not UTF-8") from None
    except NotEditable as error:
        raise _refused(recipe, str(error)) from None
    return Change(recipe.path, target, before, after.encode(), mode)


def content(recipe: Recipe) -> str:
    """What a new file would hold, with every password hidden."""
    return "\n".join(hidden(line) for line in recipe.applied("").splitlines())


def hidden(line: str) -> str:
    """A line of a file or of a diff without the password in it."""
    return _SECRET.sub(r"\1***", without_credentials(line))


def _refused(recipe: Recipe, reason: str) -> Misconfigured:
    return Misconfigured(
        f"{recipe.path} cannot be changed, and was left alone: {reason}.",
        f"Mend it, or put in by hand what `purveyor config {recipe.client}` shows.",
    )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _mode(path: Path, *, private: bool) -> int:
    """What the file has; a private one loses what others may do with it. A new one gets what the process gives to all."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = _PUBLIC & ~_umask()
    return mode & _PRIVATE if private else mode


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
