"""The process that answers: the use cases behind uvicorn."""

import os
import socket
import sys
from typing import TYPE_CHECKING

from purveyor.adapters.sibling_files import forget_siblings
from purveyor.api.app import PurveyorApp
from purveyor.assembly.use_cases import SIBLINGS, application
from purveyor.interfaces import Tracer
from purveyor.process import logs
from purveyor.process.orphans import end_with_parent
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.api.express import ExpressProtocol  # see `_protocol`


def asgi_app() -> PurveyorApp:
    """The ASGI application of the environment's settings, for a worker process or another ASGI server."""
    end_with_parent()
    settings = Settings.from_environment()
    logs.configure(settings)
    return PurveyorApp(application(settings, _tracer(settings)))


def _tracer(settings: Settings) -> Tracer | None:
    if not settings.tracing:
        return None
    from purveyor.adapters.open_telemetry import OpenTelemetry  # noqa: PLC0415 - for who wants it

    return OpenTelemetry()


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer on `listener` until told to stop by SIGINT or SIGTERM; requests under way are finished first."""
    import uvicorn  # noqa: PLC0415 - a seventh of a second that other commands need not wait for

    _raise_descriptor_limit()
    workers = settings.workers
    os.environ.update(settings.to_environment())
    config = uvicorn.Config(
        "purveyor.assembly:asgi_app",
        factory=True,
        workers=workers,
        http=_protocol(settings),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_timeout,
    )
    if workers > 1:
        from purveyor.process.workers import supervisor  # noqa: PLC0415 - only for several workers

        forget_siblings(settings.data_dir / SIBLINGS)
        supervisor(config, listener).run()
        forget_siblings(settings.data_dir / SIBLINGS)
    else:
        uvicorn.Server(config).run(sockets=[listener])


def _protocol(settings: Settings) -> "type[ExpressProtocol]":
    """The one that asks the database before each held answer, where others may have changed it and every answer is to be exact."""
    if settings.database != "sqlite" and settings.consistency == "exact":
        from purveyor.api.exact import ExactProtocol  # noqa: PLC0415 - as uvicorn

        return ExactProtocol
    from purveyor.api.express import ExpressProtocol  # noqa: PLC0415 - likewise

    return ExpressProtocol


def _raise_descriptor_limit() -> None:
    """Each connection and each file on its way out is a descriptor; the default limit of 1,024 is for other times."""
    import resource  # noqa: PLC0415 - not on every system

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
