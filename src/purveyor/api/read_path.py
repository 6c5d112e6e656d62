"""The read path: pages, files and their core metadata, as a plain ASGI application that runs under any server.

It is the reference for the express lane, which only repeats what was answered here.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import parse_qs

from msgspec.structs import replace

from purveyor.api import asgi, problems, targets
from purveyor.api.answers import NOSNIFF, Answer, Conditions, conditional, meets, text
from purveyor.api.asgi import Scope
from purveyor.api.growth import begun
from purveyor.api.labels import client_of
from purveyor.api.lane import Variant
from purveyor.application import Application
from purveyor.errors import NotFound, PurveyorError, StoreFailed, UpstreamFailed
from purveyor.formats import codings, representation
from purveyor.formats.pulled_filenames import project_of
from purveyor.model.indexes import DEFAULT, IndexName
from purveyor.model.names import NormalizedName
from purveyor.serving.bodies import Growing, Span, length, pieces
from purveyor.serving.bringing import Far
from purveyor.serving.files import Elsewhere, ServedFile
from purveyor.serving.pages import Page, PageKey
from purveyor.serving.pulling import Wanted
from purveyor.serving.waiters import Waiters

Arriving = TypeVar("Arriving", Wanted, Far)

_ALLOW = (b"allow", b"GET, HEAD, OPTIONS")
# Clients keep pages, but ask each time whether they still hold: a release is visible to the request after its upload.
_PAGE_CACHE = (b"cache-control", b"no-cache")
_FILE_CACHE = (b"cache-control", b"public, max-age=31536000, immutable")
_VARY = (b"vary", b"Accept, Accept-Encoding")
# The web server in front puts its own length, ranges and entity tag in their place, and the file.
_HANDED_OVER = ((b"content-type", b"application/octet-stream"), (b"content-length", b"0"), _FILE_CACHE, NOSNIFF)
# A file this small is sent from memory; opening and sending it from the kernel costs more.
_READ_LIMIT = 16 << 10
_WORKERS = 4
# Of these each waits for an upstream most of the time.
_UPSTREAM_WORKERS = 64


class ReadPath:
    def __init__(self, app: Application) -> None:
        self._app = app
        # Two pools: requests that wait for one long page to be made keep no file waiting.
        self._page_threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="page")
        self._file_threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="file")
        # And a third: whoever waits for a slow upstream keeps nothing waiting that is here.
        self._upstream_threads = Waiters(_UPSTREAM_WORKERS, "upstream")

    async def answer(self, scope: Scope) -> tuple[Answer, Variant | None, int] | None:
        """The answer, what of the header block decided it, and the mark before it was made; None where this path is somebody else's."""
        mark = self._app.follower.mark()
        fields = asgi.fields(scope["headers"])
        try:
            target = targets.parse(scope["raw_path"])
            if target is None:
                return None
            if refusal := _method(scope["method"], target):
                return refusal, None, mark
            return await self._read(target, scope, fields), _variant(fields), mark
        except PurveyorError as error:
            # The phrase stays the standard one: only clients that upload show theirs to people.
            return replace(problems.answer(error, fields.get(b"accept", "")), reason=b""), None, mark

    async def _read(self, target: targets.Target, scope: Scope, fields: dict[bytes, str]) -> Answer:
        if isinstance(target, targets.Redirect):
            await asgi.in_thread(
                self._page_threads, lambda: self._app.offers.index(target.index)
            )  # a redirect below a name that nobody gave leads nowhere
            # 302, not 301: pip keeps a permanent redirect for ever and never asks again.
            where = targets.location(scope["raw_path"], target)
            return text(302, "See the normalised URL.", (b"location", where), (b"cache-control", b"no-cache"))
        if isinstance(target, targets.NothingThere):
            raise NotFound("There is nothing at this URL.")
        conditions = Conditions(fields.get(b"if-none-match"), fields.get(b"range"), fields.get(b"if-range"))
        if scope["method"] == "HEAD":
            conditions = Conditions(conditions.if_none_match)  # ranges are defined for GET only (RFC 9110 14.2)
        if isinstance(target, targets.FileTarget):
            return await self._file(target, scope, fields, conditions)
        return await self._page(target, scope, fields, conditions)

    async def _page(
        self,
        target: targets.ListTarget | targets.ProjectTarget,
        scope: Scope,
        fields: dict[bytes, str],
        conditions: Conditions,
    ) -> Answer:
        media_type = _media_type(scope["query_string"], fields.get(b"accept"))
        if media_type is None:
            offered = f"{representation.JSON}, {representation.HTML} and {representation.LEGACY_HTML}"
            return text(406, f"None of the accepted types is served here; there are {offered}.", _VARY)
        coding = representation.content_coding(fields.get(b"accept-encoding"), codings.OFFERED)
        name = target.name if isinstance(target, targets.ProjectTarget) else None
        key = PageKey(target.index, name, media_type, coding)
        page = self._app.pages.held(key)
        if page is None:
            self._app.ahead.asked_for(key)
            threads = await self._threads(self._page_threads, target.index, name, fields)
            page = await asgi.in_thread(threads, lambda: self._app.pages.get(key))
        if page is None:
            offline = " This server is offline and asks no upstream." if self._app.settings.offline else ""
            raise NotFound(f"This index has no project {name}.{offline}")
        answer = _page_answer(page, name)
        if excuse := self._app.follower.excuse():
            answer = replace(answer, headers=(*answer.headers, (b"x-purveyor-stale", excuse.encode())), lasting=False)
        return conditional(answer, page.etag, Conditions(conditions.if_none_match))

    async def _threads(self, usual: Executor, index: IndexName, name: NormalizedName | None, fields: dict[bytes, str]) -> Executor:
        """Where to look for the project: apart, if a remote index has to be asked."""
        offers = self._app.offers
        if name is None or not offers.pulls or not await asgi.in_thread(usual, lambda: offers.would_wait(index, name)):
            return usual
        if self._app.via in fields.get(b"via", ""):
            raise UpstreamFailed("The upstreams lead in a circle: this server was asked on its own behalf.", "Take one of them out.")
        return self._upstream_threads

    async def _file(self, target: targets.FileTarget, scope: Scope, fields: dict[bytes, str], conditions: Conditions) -> Answer:
        index, link = target.index, target.link
        found = await asgi.in_thread(self._file_threads, lambda: self._app.files.open(index, link))
        if found is None:
            threads = await self._threads(self._file_threads, index, project_of(link.filename), fields)
            if threads is self._upstream_threads:
                found = await asgi.in_thread(threads, lambda: self._app.files.open(index, link, ask=True))
        if found is None:
            raise NotFound(f"This index has no file {link.filename} with sha256 {link.sha256}.")
        if isinstance(found, Wanted):
            return await self._wanted(found, scope, conditions)
        if isinstance(found, Elsewhere):
            return _at(found, conditions, head=scope["method"] == "HEAD")
        if isinstance(found, Far):
            return await self._far(found, target, scope, conditions)
        return conditional(_file_answer(found), f'"{found.sha256}"', conditions)

    async def _far(self, far: Far, target: targets.FileTarget, scope: Scope, conditions: Conditions) -> Answer:
        assert self._app.bringing is not None  # nothing is far where the store is here
        try:
            found = await self._arriving(far, self._app.bringing.start, scope, conditions)
        except StoreFailed:
            # A copy of an upstream's file may have been given up since it was found; then it is fetched there anew.
            again = await asgi.in_thread(self._file_threads, lambda: self._app.files.open(target.index, target.link))
            if not isinstance(again, Wanted):
                raise
            return await self._wanted(again, scope, conditions)
        return conditional(_file_answer(found), f'"{found.sha256}"', conditions)

    async def _wanted(self, wanted: Wanted, scope: Scope, conditions: Conditions) -> Answer:
        if wanted.stays_there and not self._app.settings.offline:
            return text(302, "The file is at its upstream.", (b"location", targets.elsewhere(wanted.url)), (b"cache-control", b"no-cache"))
        if wanted.metadata:
            self._app.ahead.expect_wheel(replace(wanted, metadata=False))
        pulled = await self._arriving(wanted, self._app.pulling.start, scope, conditions)
        # For how long it is offered is known to whoever finds it here: the next request.
        return conditional(replace(_file_answer(pulled), lasting=False), f'"{pulled.sha256}"', conditions)

    async def _arriving(self, known: Arriving, start: Callable[[Arriving], Growing], scope: Scope, conditions: Conditions) -> ServedFile:
        """The file while it is fetched, or whole where that is what the request needs; without a body where it needs none."""
        if known.size and (scope["method"] == "HEAD" or meets(conditions, f'"{known.sha256}"')):
            return _served(known, Growing(known.size))
        growing = start(known)
        await begun(growing, whole=conditions.range is not None or not known.sha256)
        if growing.error is not None:
            raise growing.error
        return _served(known, growing)


def _method(method: str, target: targets.Target) -> Answer | None:
    if method in ("GET", "HEAD"):
        return None
    if method == "OPTIONS":
        return Answer(204, (_ALLOW,))
    sentence = "Only GET and HEAD are possible here."
    if method == "POST" and not isinstance(target, targets.FileTarget):
        # uv takes 405 as the sign that a publish URL is a simple URL.
        sentence = f"This is the URL to install from; upload to {_upload_path(target)} on this server instead."
    # In the reason phrase too, which is all that twine, hatch and flit show.
    return replace(text(405, sentence, _ALLOW), reason=sentence.encode())


def _upload_path(target: targets.Target) -> str:
    index = target.index if isinstance(target, targets.ListTarget | targets.ProjectTarget) else DEFAULT
    return f"/{targets.root_of(index)}legacy/"


def _variant(fields: dict[bytes, str]) -> Variant:
    decisive = (b"accept", b"accept-encoding", b"if-none-match", b"range", b"if-range")
    return Variant(client_of(fields.get(b"user-agent", "")), *(fields.get(name) for name in decisive))


def _media_type(query: bytes, accept: str | None) -> str | None:
    if query and (wanted := parse_qs(query.decode("latin-1")).get("format")):
        return representation.format_parameter(wanted[-1])
    return representation.media_type(accept)


def _page_answer(page: Page, name: NormalizedName | None) -> Answer:
    charset = "; charset=utf-8" if page.media_type == representation.LEGACY_HTML else ""
    headers = [
        (b"content-type", (page.media_type + charset).encode()),
        (b"content-length", b"%d" % length(page.body)),
        (b"etag", page.etag.encode()),
        _VARY,
        _PAGE_CACHE,
        (b"x-pypi-last-serial", b"%d" % page.serial),
        NOSNIFF,
    ]
    if page.coding != "identity":
        headers.append((b"content-encoding", page.coding.encode()))
    if page.upstream:
        headers.append((b"x-purveyor-upstream", problems.visible(page.upstream)))
    if page.advisories:
        headers.append((b"x-purveyor-advisories", problems.visible(page.advisories)))
    if page.stale:
        headers.append((b"x-purveyor-stale", problems.visible(page.stale)))
    return Answer(200, tuple(headers), page.body, about=name, lasting=True, valid_until=page.valid_until)


def _served(known: Wanted | Far, growing: Growing) -> ServedFile:
    """Whole where it is, so that it is answered like any other file."""
    body, rest = (b"", growing) if growing.whole is None else (growing.whole, None)
    return ServedFile(
        body, known.sha256 or growing.digest, known.project, known.metadata, rest, known.valid_until if isinstance(known, Far) else None
    )


def _at(found: Elsewhere, conditions: Conditions, *, head: bool) -> Answer:
    """Where the file is. What needs none of its bytes is answered here: a signed link is good for GET alone."""
    place, etag = found.place, f'"{found.sha256}"'
    if place.within:
        answer = Answer(200, (*_HANDED_OVER, (b"x-accel-redirect", targets.elsewhere(place.url))))
    elif head or meets(conditions, etag):
        known = ServedFile(b"", found.sha256, found.project, metadata=False, growing=Growing(found.size))
        return conditional(_file_answer(known), etag, conditions)
    else:
        cache = f"{'public' if place.shared else 'private'}, max-age={place.max_age}".encode()
        answer = text(302, "The file is kept elsewhere.", (b"location", targets.elsewhere(place.url)), (b"cache-control", cache))
    ends = [end for end in (found.valid_until, place.until) if end is not None]
    return replace(answer, about=found.project, lasting=True, valid_until=min(ends, default=None))


def _file_answer(served: ServedFile) -> Answer:
    media_type = b"text/plain; charset=utf-8" if served.metadata else b"application/octet-stream"
    body = served.body
    if isinstance(body, Span) and body.length <= _READ_LIMIT:
        body = b"".join(pieces(body))
    headers = (
        (b"content-type", media_type),
        (b"content-length", b"%d" % (served.growing.size if served.growing else length(body))),
        (b"etag", f'"{served.sha256}"'.encode()),
        _FILE_CACHE,
        (b"accept-ranges", b"bytes"),
        NOSNIFF,
    )
    lasting = served.growing is None
    return Answer(200, headers, body, about=served.project, lasting=lasting, valid_until=served.valid_until, growing=served.growing)
