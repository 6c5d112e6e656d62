"""What is asked by whoever operates a server: is it alive, is it ready, what has it done."""

import asyncio
import json
import os
from collections.abc import Sequence
from ipaddress import ip_address
from multiprocessing import parent_process

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from purveyor import __version__
from purveyor.api import problems
from purveyor.api.counting import Counted
from purveyor.api.draining import Draining
from purveyor.api.numbers import Accounts, Numbers
from purveyor.api.readiness import PATIENCE, Finding, Readiness
from purveyor.application import Application
from purveyor.errors import NotAllowed, NotFound, PurveyorError

_FORWARDED = {"forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"}
_FRESHLY = {"cache-control": "no-store"}


def routes(app: Application, counted: Counted, draining: Draining, accounts: Accounts) -> list[Route]:
    readiness = Readiness(app.checks, draining)

    async def health(request: Request) -> Response:
        try:
            serial = await asyncio.to_thread(app.catalog.serial)
            counts = await asyncio.to_thread(counted.now)
        except PurveyorError as error:
            return _problem(error, request)
        return JSONResponse(
            {
                "status": "ok",
                "version": __version__,
                "serial": serial,
                "pid": _pid(),
                "projects": counts.projects if counts else None,
                "files": counts.files if counts else None,
            },
            headers=_FRESHLY,
        )

    async def alive(_: Request) -> Response:
        """Nothing is looked at: whoever ends a server because its database is away gains nothing."""
        return JSONResponse({"status": "ok", "version": __version__, "pid": _pid()}, headers=_FRESHLY)

    async def ready(request: Request) -> Response:
        excluded = {name.strip() for value in request.query_params.getlist("exclude") for name in value.split(",")}
        findings = await readiness.findings(excluded)
        status = 200 if all(finding.ok for finding in findings) else 503
        return Response(_report(findings), status, headers=_FRESHLY, media_type="application/json")

    async def metrics(request: Request) -> Response:
        if app.settings.metrics == "off":
            return _problem(NotFound("This server tells nobody its numbers.", "Set PURVEYOR_METRICS to local or on."), request)
        if app.settings.metrics == "local" and not _is_near(request):
            return _problem(
                NotAllowed("Only this machine may read the numbers.", "Set PURVEYOR_METRICS to on, or ask from there."), request
            )
        numbers = accounts.own()
        numbers.now |= {"serial": float(app.follower.mark()), **await _holdings(counted)}
        accept = request.headers.get("accept", "")
        body, media_type = await asyncio.to_thread(lambda: _rendered(accounts.total(numbers), accept))
        return Response(body, headers=_FRESHLY | {"content-type": media_type})

    return [
        Route("/metrics", metrics, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/health/live", alive, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
    ]


def _rendered(numbers: Numbers, accept: str) -> tuple[bytes, str]:
    from purveyor.api.metrics import render  # noqa: PLC0415 - most servers are never asked

    return render(numbers, accept)


async def _holdings(counted: Counted) -> dict[str, float]:
    """What is hosted; nothing while the database does not say it in time, so that all else can be read."""
    try:
        counts = await asyncio.wait_for(asyncio.to_thread(counted.now), PATIENCE)
    except (PurveyorError, TimeoutError):
        counts = None
    if counts is None:
        return {}
    return {"projects": float(counts.projects), "files": float(counts.files), "bytes": float(counts.bytes)}


def _is_near(request: Request) -> bool:
    """Whether it comes from this machine and was not handed on by a proxy that says so."""
    if request.client is None or _FORWARDED & {name.lower() for name in request.headers}:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _pid() -> int:
    """Of the process that people see and end, which is not a worker."""
    main = parent_process()
    return os.getpid() if main is None or main.pid is None else main.pid


def _report(findings: Sequence[Finding]) -> str:
    """JSON with a line for each check, for people who look at it with curl and programs alike."""
    status = "ready" if all(finding.ok for finding in findings) else "not ready"
    lines = [f"{json.dumps(finding.name)}: {json.dumps(_described(finding))}" for finding in findings]
    return f'{{"status": "{status}", "checks": {{\n' + ",\n".join(lines) + "\n}}\n"


def _described(finding: Finding) -> dict[str, object]:
    return {"ok": finding.ok, "detail": finding.detail, "milliseconds": round(finding.seconds * 1000, 1)}


def _problem(error: PurveyorError, request: Request) -> Response:
    answer = problems.answer(error, request.headers.get("accept", ""))
    assert isinstance(answer.body, bytes)
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)
