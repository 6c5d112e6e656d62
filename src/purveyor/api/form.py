"""An upload's multipart form, read as it arrives: the file into staging, hashed on the way; the fields into memory, under limits."""

from collections.abc import Callable
from typing import Any

import multipart

from purveyor.errors import BadRequest, Refused, TooLarge
from purveyor.interfaces import Staging
from purveyor.publishing.upload import DIGEST_FIELDS, Digest, Upload

_FIELDS = 1000
_FIELD_SIZE = 1 << 20
_DESCRIPTION_SIZE = 5 << 20
_FIELDS_SIZE = 8 << 20
_PART_HEADER = 16 << 10
_BOUNDARY = 70  # RFC 2046 5.1.1
_FILE_FIELD = "content"
_SHA256 = "sha256_digest"
_PIECE = 1 << 20


# The library's annotations are not published; this is what is used of it.
_parse_options: Callable[[str], tuple[str, dict[str, str]]] = multipart.parse_options_header
_Segment = multipart.MultipartSegment


def boundary_of(content_type: str) -> str:
    kind, options = _parse_options(content_type)
    if kind.lower() != "multipart/form-data":
        raise BadRequest(
            f"An upload must be multipart/form-data, not {kind[:80] or 'without a Content-Type'!r}.",
            "Upload with twine, uv publish or purveyor publish.",
        )
    boundary = options.get("boundary", "")
    if not 0 < len(boundary) <= _BOUNDARY or not boundary.isascii():
        raise BadRequest(f"The form's boundary must have 1 to {_BOUNDARY} ASCII characters (RFC 2046 5.1.1).")
    return boundary


class FormReader:
    """Fed with the body's pieces; gives an `Upload` once the closing boundary has been seen, and only then."""

    def __init__(self, boundary: str, content_length: int, staging: Staging, max_size: int) -> None:
        self._parser = multipart.PushMultipartParser(boundary, content_length, max_header_size=_PART_HEADER, max_segment_count=_FIELDS)
        self._staging = staging
        self._max_size = max_size
        self._declared: dict[str, list[str]] = {}
        self._hashes: dict[str, Digest] = {}
        self._filename: str | None = None
        self._files = 0
        self._fields_size = 0
        self._name = ""
        self._value = bytearray()
        self._take: Callable[[bytes], None] = self._ignore

    def feed(self, data: bytes) -> None:
        """Raises `BadRequest` for a broken form and `TooLarge` at the first byte too many."""
        try:
            for event in self._parser.parse(data):
                if isinstance(event, _Segment):
                    self._begin(event)
                elif event:
                    self._take(bytes(event))
                else:
                    self._end()
        except multipart.ParserLimitReached as error:
            raise TooLarge(f"The form is over a limit: {error}.") from None
        except multipart.MultipartError as error:
            raise BadRequest(f"The form is not valid multipart/form-data: {error}.") from None

    def finish(self) -> Upload:
        try:
            self._parser.close()
        except multipart.MultipartError:
            raise BadRequest("The upload ended before its closing boundary: a part of it is missing.", "Upload again.") from None
        if self._filename is None:
            raise Refused('The form has no file: a part named "content" with a filename is needed.')
        if self._files > 1:
            raise Refused('The form has more than one part named "content"; an upload is one file.')
        declared = {name: tuple(values) for name, values in self._declared.items()}
        return Upload(self._filename, declared, self._staging, self._digests())

    def _begin(self, segment: Any) -> None:
        self._name = segment.name
        self._value = bytearray()
        self._take = self._field
        if segment.name == _FILE_FIELD and segment.filename:
            self._files += 1
            self._filename = segment.filename
            self._take = self._file if self._files == 1 else self._ignore
            if self._files == 1:
                self._hashes = {name: DIGEST_FIELDS[name]() for name in self._wanted_digests()}
        elif segment.filename:
            self._take = self._ignore  # a signature, which nobody verifies any more

    def _end(self) -> None:
        if self._take == self._field:
            self._declared.setdefault(self._name, []).append(self._value.decode("utf-8", "replace"))

    def _file(self, data: bytes) -> None:
        if self._staging.size + len(data) > self._max_size:
            raise TooLarge(
                f"The file is larger than the {self._max_size} bytes this index accepts.",
                "Ask its owner to raise max_upload_size.",
            )
        self._staging.write(data)
        for digest in self._hashes.values():
            digest.update(data)

    def _field(self, data: bytes) -> None:
        self._value += data
        self._fields_size += len(data)
        limit = _DESCRIPTION_SIZE if self._name == "description" else _FIELD_SIZE
        if len(self._value) > limit or self._fields_size > _FIELDS_SIZE:
            raise TooLarge(f"The form's field {self._name[:80]!r} is larger than what an upload may have.")

    def _ignore(self, data: bytes) -> None:
        pass

    def _wanted_digests(self) -> set[str]:
        """SHA-256 is what the index goes by; the others cost more than everything else here, so only if the form gives them."""
        return {_SHA256, *(name for name in DIGEST_FIELDS if any(self._declared.get(name, ())))}

    def _digests(self) -> dict[str, str]:
        """Those that the form gave after the file are made up for by reading it again."""
        missing = {name: DIGEST_FIELDS[name]() for name in self._wanted_digests() - self._hashes.keys()}
        if missing:
            with self._staging.reader() as file:
                while piece := file.read(_PIECE):
                    for digest in missing.values():
                        digest.update(piece)
        return {name: digest.hexdigest() for name, digest in (self._hashes | missing).items()}
