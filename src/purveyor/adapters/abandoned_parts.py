"""What uploads that died on their way have left in a bucket of S3: parts that belong to no object, cost money and are in no listing.

Google and Azure need no help of ours: see docs/guides/object-storage.md.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from purveyor.errors import StoreFailed

log = logging.getLogger("purveyor")

# No upload takes so long; what is younger may be alive, on any machine.
_AGE = timedelta(days=1)
_PAUSE = 3600.0


class AbandonedParts:
    """Of the blobs in `folder` below `url`; looked for now and then, the first time after `wait` seconds.

    A store that will not tell has none: it may not know how, or not let us, and all else is none the worse for it.
    """

    def __init__(self, url: str, folder: str, wait: float = 0.0, age: timedelta = _AGE) -> None:
        parts = urlsplit(url)
        self._is_s3 = parts.scheme in ("s3", "s3a")
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/{folder}/".lstrip("/")
        self._age = age
        self._due = time.monotonic() + wait

    def sweep(self) -> int:
        """Remove them; returns of how many uploads, 0 where it is not yet time to look."""
        if not self._is_s3 or time.monotonic() < self._due:
            return 0
        self._due = time.monotonic() + _PAUSE
        return sum(self._of_each(lambda client, upload: client.abort(self._bucket, upload)))

    def sizes(self) -> Sequence[int]:
        """How large the parts of each of these uploads are together."""
        if not self._is_s3:
            return []
        return self._of_each(lambda client, upload: client.size(self._bucket, upload))

    def _of_each(self, work: Callable[["_Client", Mapping[str, Any]], int]) -> Sequence[int]:
        try:
            with _Client() as client:
                return [work(client, upload) for upload in list(self._uploads(client))]
        except StoreFailed as error:
            log.warning("%s", error)
            return []

    def _uploads(self, client: "_Client") -> Iterator[Mapping[str, Any]]:
        oldest = datetime.now(UTC) - self._age
        for upload in client.uploads(self._bucket, self._prefix):
            if upload["Initiated"] < oldest:
                yield upload


class _Client:
    """The one thing that obstore cannot do, by a library that can; it is large, and loaded for this alone."""

    def __enter__(self) -> Self:
        import botocore.config  # noqa: PLC0415 - see above
        import botocore.session  # noqa: PLC0415 - see above

        endpoint = next(
            (os.environ[name] for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT") if name in os.environ), None
        )
        style = "virtual" if os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true" else "path"
        self._s3 = botocore.session.get_session().create_client(
            "s3",
            region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            endpoint_url=endpoint,
            config=botocore.config.Config(
                s3={"addressing_style": style}, connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}
            ),
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see above

        self._s3.close()
        if isinstance(error, BotoCoreError | ClientError):
            raise StoreFailed(
                f"Parts of unfinished uploads in the object store cannot be listed or removed: {type(error).__name__}.",
                "A lifecycle rule of the bucket can remove them too.",
            ) from error

    def uploads(self, bucket: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        for page in self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Uploads", ())

    def size(self, bucket: str, upload: Mapping[str, Any]) -> int:
        pages = self._s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return sum(part["Size"] for page in pages for part in page.get("Parts", ()))

    def abort(self, bucket: str, upload: Mapping[str, Any]) -> bool:
        self._s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        return True
