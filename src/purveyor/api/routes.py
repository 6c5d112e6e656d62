"""Everything that is neither read by installers nor uploaded, on Starlette; imported once the server has begun to answer."""

import asyncio
from functools import cache
from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from purveyor import __version__
from purveyor.api import asgi, operating, problems
from purveyor.api.authentication import Doorkeeper
from purveyor.api.counting import Counted
from purveyor.api.draining import Draining
from purveyor.api.numbers import Accounts
from purveyor.api.read_path import ReadPath
from purveyor.application import Application
from purveyor.errors import NotFound
from purveyor.model.names import is_valid, normalize
from purveyor.serving.bodies import pieces

_WELCOME = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Purveyor</title>
  </head>
  <body>
    <h1>Purveyor {version}</h1>
    <p>A Python package index{holds}. With this page's URL in place of URL:</p>
    <pre>pip install --index-url URL/simple/ NAME
uv pip install --default-index URL/simple/ NAME
twine upload --repository-url URL/legacy/ -u __token__ dist/*</pre>
    <p><a href="simple/">The project list</a></p>
  </body>
</html>
"""


def router(app: Application, read_path: ReadPath, door: Doorkeeper, draining: Draining, accounts: Accounts) -> Router:
    counted = Counted(app.catalog)

    async def preflight(request: Request) -> Response:
        """hatch looks here, below the upload URL, for the files that are there already; it reads the names of the anchors."""
        name = request.path_params["name"]
        # Under its normalised name at once: a redirect would be relative to a URL that the client did not ask for.
        root = f"/{request.path_params['index']}" if "index" in request.path_params else ""
        scope = dict(request.scope) | {"raw_path": f"{root}/simple/{normalize(name) if is_valid(name) else quote(name)}/".encode()}
        answered = await read_path.answer(scope)
        if answered is None:  # below something that no index can be called
            return Response(status_code=404)
        answer = answered[0]
        body = b"".join(pieces(answer.body))
        return Response(body, answer.status, {name.decode(): value.decode() for name, value in answer.headers})

    async def welcome(_: Request) -> Response:
        counts = await asyncio.to_thread(counted.now)
        holds = f" with {counts.projects} projects and {counts.files} distribution files" if counts else ""
        page = _WELCOME.format(version=escape(__version__), holds=holds)
        return HTMLResponse(page, headers={"content-security-policy": "default-src 'none'", "cache-control": "no-cache"})

    async def nothing(scope: Scope, _: Receive, send: Send) -> None:
        error = NotFound("There is nothing at this URL.", "The index is at /simple/.")
        await asgi.deliver(problems.answer(error, asgi.fields(scope["headers"]).get(b"accept", "")), dict(scope), send)

    @cache
    def managed() -> Router:
        """Imported with the first call of the management API, which most servers get seldom or never."""
        from purveyor.api import management  # noqa: PLC0415 - see above

        return Router(routes=management.routes(app, door), default=nothing, redirect_slashes=False)

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        if "/api/" in scope["path"]:
            await (await asyncio.to_thread(managed))(scope, receive, send)
        else:
            await nothing(scope, receive, send)

    return Router(
        routes=[
            Route("/", welcome, methods=["GET"]),
            Route("/legacy/+simple/{name}/", preflight, methods=["GET"]),
            Route("/{index:path}/legacy/+simple/{name}/", preflight, methods=["GET"]),
            *operating.routes(app, counted, draining, accounts),
        ],
        default=elsewhere,
        # Those redirects name the host that the client named, which may be anybody's.
        redirect_slashes=False,
    )
