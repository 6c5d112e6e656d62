"""Servers over one PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live_server import LiveServer

Serve = Callable[..., LiveServer]


@pytest.fixture
def serve(postgres_url: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts one more server over the test's database; all of them have the files of the first one, as if they lay on a common disk."""
    with ExitStack() as running:
        data: list[Path] = []

        def one_more(**settings: object) -> LiveServer:
            data.append(tmp_path / f"server{len(data)}" / "data")
            if len(data) > 1:
                data[-1].mkdir(parents=True)
                (data[-1] / "blobs").symlink_to(data[0] / "blobs")
            return running.enter_context(LiveServer(data[-1], **{"database": postgres_url, **settings}))

        yield one_more
