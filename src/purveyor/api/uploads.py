"""The legacy upload, `POST /legacy/`, as twine, uv, poetry, pdm, hatch and flit send it; no standard describes it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from purveyor.api import asgi, problems
from purveyor.api.answers import Answer, text
from purveyor.api.asgi import Receive, Scope
from purveyor.api.authentication import Doorkeeper
from purveyor.api.form import FormReader, boundary_of
from purveyor.application import Application
from purveyor.errors import BadRequest, NotAllowed, PurveyorError, StoreFailed, TooLarge
from purveyor.model.grants import Grant, Permission
from purveyor.model.indexes import Index, IndexName
from purveyor.model.requests import note_outcome
from purveyor.publishing.publisher import Published

log = logging.getLogger("purveyor")

# The body goes to a worker thread in batches of this size: a small upload in one, with everything else that is done to it.
_BATCH = 1 << 20
# What a form may have beside its file.
_FORM_OVERHEAD = 16 << 20


class Uploads:
    def __init__(self, app: Application, door: Doorkeeper) -> None:
        self._app = app
        self._door = door
        self._threads = ThreadPoolExecutor(app.settings.upload_threads, thread_name_prefix="upload")

    async def answer(self, scope: Scope, receive: Receive, index: IndexName) -> Answer:
        address = scope["client"][0] if scope["client"] else "unknown"
        fields = asgi.fields(scope["headers"])
        try:
            # Before anything else: who has no right to upload learns nothing about what would have been refused.
            grant = await self._door.grant_for(fields.get(b"authorization"), address)
            if not grant.allows(Permission.UPLOAD, self._app.now()):
                raise NotAllowed(f"{grant.subject} may not upload here.", "Use a token with that right.")
            settings = await asyncio.to_thread(self._app.offers.index, index)
            published = await self._receive(fields, receive, grant, settings)
        except PurveyorError as error:
            log.log(logging.ERROR if isinstance(error, StoreFailed) else logging.INFO, "upload from %s refused: %s", address, error)
            return problems.answer(error, fields.get(b"accept", ""))
        note_outcome("stored" if published.created else "present")
        file = published.file
        done = "stored" if published.created else "was already here, with the same bytes"
        log.info("upload of %s from %s (%s) %s", file.filename, address, grant.subject, done)
        return text(200, f"{file.filename} {done}: sha256 {file.sha256}")

    async def _receive(self, fields: Mapping[bytes, str], receive: Receive, grant: Grant, index: Index) -> Published:
        limit = self._app.settings.max_upload_size
        length = int(fields.get(b"content-length", -1))
        if length > limit + _FORM_OVERHEAD:
            raise TooLarge(f"The upload has {length} bytes; this index accepts files of at most {limit}.")
        boundary = boundary_of(fields.get(b"content-type", ""))
        with ExitStack() as stack:
            reader: FormReader | None = None
            batch = bytearray()

            def feed(data: bytes) -> FormReader:
                started = reader or FormReader(boundary, length, stack.enter_context(self._app.blobs.stage()), limit)
                if data:
                    started.feed(data)
                return started

            async for piece in _body(receive):
                batch += piece
                if len(batch) >= _BATCH:
                    data, batch = bytes(batch), bytearray()
                    reader = await asgi.in_thread(self._threads, lambda data=data: feed(data))  # type: ignore[misc]
            return await asgi.in_thread(self._threads, lambda: self._app.publisher.publish(feed(bytes(batch)).finish(), grant, index))


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The connection broke off in the middle of the upload; nothing was kept.", "Upload again.")
        yield message.get("body", b"")
        more = message.get("more_body", False)
