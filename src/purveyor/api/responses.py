"""A refusal in every place where a client looks for its sentence."""

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from purveyor.api import problems
from purveyor.api.authentication import CHALLENGE
from purveyor.errors import NotAuthenticated, PurveyorError, StoreFailed


class ProblemResponse(Response):
    def __init__(self, error: PurveyorError, accept: str) -> None:
        media_type, body = problems.body(error, accept)
        # Set as a header, whole: uv knows problem details only by the bare type, and Starlette would add a charset to text.
        headers = {"content-type": media_type, "x-content-type-options": "nosniff", "cache-control": "no-store"}
        if isinstance(error, NotAuthenticated):
            headers["www-authenticate"] = CHALLENGE
        if isinstance(error, StoreFailed):
            headers["retry-after"] = "5"
        super().__init__(body, int(problems.status_of(error)), headers)
        self._reason = problems.reason_phrase(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_reason(message: Message) -> None:
            if message["type"] == "http.response.start" and "purveyor.reason" in scope.get("extensions", {}):
                message = {**message, "reason": self._reason}
            await send(message)

        await super().__call__(scope, receive, send_with_reason)
