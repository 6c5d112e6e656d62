"""What our protocol class takes for granted of uvicorn, none of which uvicorn promises: its minor version is pinned for this reason."""

import asyncio
import inspect
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.server import Server, ServerState


class Recorder(asyncio.Protocol):
    """Notes how uvicorn makes a protocol."""

    made: list[dict[str, Any]]

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.made.append({"config": config, "server_state": server_state, "app_state": app_state})
        server_state.connections.add(self)
        self.state = server_state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.state.connections.discard(self)

    def shutdown(self) -> None:
        """uvicorn calls this on every connection when it stops."""


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    assert scope["type"] == "lifespan"
    scope["state"]["kept"] = "from the lifespan"
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def serve_one_connection() -> dict[str, Any]:
    Recorder.made = []
    config = uvicorn.Config(application, http=Recorder, lifespan="on", log_config=None, loop="asyncio")
    server = uvicorn.Server(config)

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            _, writer = await asyncio.open_connection(*listener.getsockname())
            while not Recorder.made:  # noqa: ASYNC110 - nor for this
                await asyncio.sleep(0.01)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            server.should_exit = True
            await serving

    asyncio.run(run())
    return Recorder.made[0]


def test_a_protocol_is_made_with_the_config_the_servers_state_and_the_lifespans_state() -> None:
    made = serve_one_connection()
    assert inspect.iscoroutinefunction(application)
    assert callable(made["config"].loaded_app)
    assert made["app_state"] == {"kept": "from the lifespan"}
    assert isinstance(made["server_state"], ServerState)


def test_the_servers_state_holds_what_our_protocol_reports() -> None:
    state = ServerState()
    assert (state.connections, state.tasks) == (set(), set())


def test_the_server_shuts_connections_down_by_the_method_our_protocol_has() -> None:
    assert ".shutdown()" in inspect.getsource(Server.shutdown)


def test_the_options_that_are_passed_exist() -> None:
    used = {
        "factory",
        "workers",
        "http",
        "loop",
        "lifespan",
        "log_config",
        "access_log",
        "proxy_headers",
        "server_header",
        "timeout_graceful_shutdown",
    }
    assert used <= inspect.signature(uvicorn.Config).parameters.keys()
