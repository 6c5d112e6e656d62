"""Finding the token for an index, without ever putting it where others can read it."""

import os
from collections.abc import Mapping
from pathlib import Path

from purveyor.errors import Misconfigured
from purveyor.settings import default_data
from purveyor.workbench.destination import Credentials, Destination

TOKEN_USER = "__token__"  # noqa: S105 - the user name that goes with every token
VARIABLE = "PURVEYOR_TOKEN"
TOKEN_FILE = "upload-token"  # noqa: S105 - the name of the file, not what is in it


def find_credentials(
    destination: Destination,
    *,
    user: str = TOKEN_USER,
    token_file: Path | None = None,
    data: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Credentials | None:
    """The token from `token_file`, else the environment, else the URL, else what a server on this machine left in `data`.

    That last one is for servers on this machine alone: it is offered to no other. None where there is none.
    """
    if token_file is not None:
        return user, _read(token_file)
    if environ.get(VARIABLE):
        return user, environ[VARIABLE].strip()
    if destination.credentials is not None:
        return destination.credentials
    if not destination.is_local:
        return None
    kept = (data or Path(environ.get("PURVEYOR_DATA") or default_data())) / TOKEN_FILE
    if data is None and not kept.exists():
        return None
    return TOKEN_USER, _read(kept)


def _read(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Misconfigured(
            f"The token in {path} cannot be read: {reason}.",
            "Name the right file with --token-file, or the server's data directory with --data.",
        ) from None
    if not token:
        raise Misconfigured(f"{path} is empty.", "Put the token into it, on one line.")
    return token
