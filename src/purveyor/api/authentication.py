"""Credentials out of a request, and what they are worth. Wrong ones cost their sender time; right ones are never kept waiting."""

import asyncio
import base64
import binascii

from msgspec import Struct, field

from purveyor.access.tokens import Tokens
from purveyor.errors import NotAuthenticated
from purveyor.model.grants import Grant

TOKEN_USER = "__token__"  # noqa: S105 - a name that everybody knows
# Whatever is longer is no credential of ours and is not even decoded.
_CREDENTIAL_LIMIT = 4096
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 3.0
_ADDRESSES = 10_000


class GuessBrake(Struct):
    """Each wrong credential from an address is answered later than the one before.

    Nothing is locked: the delay is the wrong answer's alone, so that a guesser behind the same proxy keeps nobody out.
    """

    failures: dict[str, int] = field(default_factory=dict)

    async def wait(self, address: str) -> None:
        if len(self.failures) >= _ADDRESSES:
            self.failures.clear()
        count = self.failures[address] = self.failures.get(address, 0) + 1
        await asyncio.sleep(min(_FIRST_DELAY * 2 ** min(count - 1, 10), _LONGEST_DELAY))

    def forgive(self, address: str) -> None:
        self.failures.pop(address, None)


def token_in(authorization: str | None) -> str:
    """The token of an Authorization field, as `__token__`'s password or as a bearer; raises `NotAuthenticated` where there is none."""
    if not authorization:
        raise NotAuthenticated(
            "Uploading needs a token.",
            f"Send it as the password of the user {TOKEN_USER}; the server wrote it into the file upload-token of its data directory.",
        )
    scheme, _, credentials = authorization.strip().partition(" ")
    credentials = credentials.strip()
    if len(credentials) > _CREDENTIAL_LIMIT:
        raise NotAuthenticated("The credentials are too long to be a token.")
    if scheme.lower() in ("bearer", "token"):
        return credentials
    if scheme.lower() == "basic":
        return _basic(credentials)
    raise NotAuthenticated("The scheme of the Authorization field is not known here.", f"Use Basic with the user {TOKEN_USER}, or Bearer.")


def _basic(credentials: str) -> str:
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise NotAuthenticated("The Basic credentials cannot be decoded (RFC 7617).") from None
    if not colon or user != TOKEN_USER:
        # Not repeated: what stands in the wrong place is often the token itself, and refusals are logged.
        raise NotAuthenticated(f"This index knows no user but {TOKEN_USER}.", f"Send the token as the password of the user {TOKEN_USER}.")
    return password


class Doorkeeper:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._brake = GuessBrake()

    async def grant_for(self, authorization: str | None, address: str) -> Grant:
        """The grant of whoever sent this Authorization field; raises `NotAuthenticated` after a delay that grows with each wrong guess."""
        try:
            token = token_in(authorization)
        except NotAuthenticated:
            if authorization:
                await self._brake.wait(address)
            raise
        # Asked each time: remembering right tokens by their text would keep secrets in memory, and a revoked one alive.
        grant = self._tokens.grant_for(token)
        if grant is None:
            await self._brake.wait(address)
            raise NotAuthenticated("This token is not valid here.", "Use the one in the file upload-token of the server's data directory.")
        self._brake.forgive(address)
        return grant
