"""Between answers and ASGI: what a scope says, and how an answer goes out, with what a server may offer beyond the standard."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from contextvars import copy_context
from typing import Any, TypeVar

from purveyor.api.answers import Answer
from purveyor.api.growth import spans
from purveyor.serving.bodies import Growing, Span, pieces

T = TypeVar("T")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

# Fields whose lines are one list (RFC 9110 5.3); of the others the last line counts.
_LISTS = (b"accept", b"accept-encoding", b"if-none-match", b"connection")


def fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found and name in _LISTS else text
    return found


async def in_thread(threads: Executor, work: Callable[[], T]) -> T:
    """The use cases are plain functions; the event loop waits for none of them. What is noted of the request goes along."""
    return await asyncio.wrap_future(threads.submit(copy_context().run, work))


async def deliver(answer: Answer, scope: Scope, send: Send) -> None:
    extensions = scope.get("extensions") or {}
    start: dict[str, Any] = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    if answer.reason and "purveyor.reason" in extensions:
        start["reason"] = answer.reason
    await send(start)
    if answer.growing is not None and scope["method"] != "HEAD":
        await _follow(answer.growing, send, spans_are_known="purveyor.span" in extensions)
    elif scope["method"] == "HEAD" or isinstance(answer.body, bytes):
        body = answer.body if isinstance(answer.body, bytes) and scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": body})
    elif "purveyor.span" in extensions:
        await send({"type": "purveyor.response.span", "span": answer.body})
    else:
        await _copy(answer.body, send)
        await send({"type": "http.response.body", "body": b""})


async def _follow(growing: Growing, send: Send, *, spans_are_known: bool) -> None:
    async for span in spans(growing):
        if spans_are_known:
            await send({"type": "purveyor.response.span", "span": span, "more_body": True})
        else:
            await _copy(span, send)
    await send({"type": "http.response.body", "body": b""})


async def _copy(span: Span, send: Send) -> None:
    parts = pieces(span)
    while (piece := await asyncio.to_thread(next, parts, None)) is not None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
