"""One index for all tests of a module that only read, with something of everything that a page can say."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.distributions import core_metadata, sdist, wheel
from tests.live_server import LiveServer

BIG_FILE = 3 << 20


@dataclass(frozen=True, slots=True)
class Site:
    server: LiveServer
    hosted: dict[str, bytes]

    @property
    def url(self) -> str:
        return self.server.url

    def path(self, filename: str) -> str:
        """The file's path on the server, from its project's page."""
        project = filename.partition("-")[0].replace("_", "-").lower()
        urls: dict[str, str] = {file["filename"]: file["url"] for file in self.server.project(project)["files"]}
        return "/" + urls[filename].removeprefix("../../")


def distributions() -> dict[str, bytes]:
    """Wheels and sdists, small and large, with static and with dynamic metadata."""
    noise = hashlib.shake_128(b"noise").digest(BIG_FILE)
    return dict(
        [
            wheel("acme", "1.0", metadata=["Requires-Python: >=3.9,<4", "Summary: <b>&\"'"]),
            wheel("acme", "1.10", metadata=["Requires-Python: >=3.9"]),
            wheel("acme", "1.9+local.1"),
            sdist("acme", "1.0"),
            sdist("acme", "1.10", metadata=core_metadata("acme", "1.10", ["Dynamic: Requires-Dist"])),
            wheel("Big.Project", "2.0", modules={"big_project.py": noise}),
            sdist("Big.Project", "2.0", modules={"noise.bin": noise}),
            *(wheel("many", f"1.{minor}") for minor in range(30)),
        ]
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    hosted = distributions()
    with LiveServer(tmp_path_factory.mktemp("site") / "data") as server:
        server.host(*hosted.items())
        yield Site(server, hosted)
