"""Real clients over an object store: what they publish is there, and they install it, through this server or through links."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.installers import Installer, with_pip, with_poetry, with_uv
from tests.clients.publishers import called
from tests.clients.tools import NEWEST_PIP, POETRY, TWINE, UV
from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.object_server import Bucket
from tests.objects.stored import settled

SHOP = wheel("shop", "1.0", {"shop.py": "from till import total\n"}, ["Requires-Dist: till>=1"])
TILL = wheel("till", "1.2", {"till.py": "def total():\n    return 42\n", "data.bin": random.Random(1).randbytes(1 << 20)})
INSTALLERS = (Installer(NEWEST_PIP, with_pip), Installer(UV, with_uv), Installer(POETRY, with_poetry))


@pytest.mark.parametrize("downloads", ["redirect", pytest.param("stream", marks=pytest.mark.slow)])
def test_clients_publish_and_install(downloads: str, object_store: Bucket, tmp_path: Path, client_environment: Mapping[str, str]) -> None:
    """Links name a digest, and no file."""
    with LiveServer(tmp_path / "with a space" / "data", blobs=object_store.url, downloads=downloads) as server:
        publish(server, tmp_path, client_environment)
        settled(server, object_store, SHOP[1], TILL[1])

        for installer in INSTALLERS:
            place = tmp_path / str(installer)
            place.mkdir()
            installed = installer.install(installer.tool, server.simple_url, "shop", place, client_environment)
            assert installed.done.returncode == 0, installed.done.stdout
            assert installed.says("m.total()", "shop") == "42"


def publish(server: LiveServer, folder: Path, environment: Mapping[str, str]) -> None:
    for filename, content in (SHOP, TILL):
        (folder / filename).write_bytes(content)
    upload = ["twine", "upload", "--non-interactive", "--repository-url", server.upload_url, "-u", "__token__", "-p", server.token]
    by_twine = called(TWINE, [*upload, SHOP[0]], folder, environment)
    assert by_twine.returncode == 0, by_twine.stdout
    by_uv = called(UV, ["uv", "publish", "--publish-url", server.upload_url, "--token", server.token, TILL[0]], folder, environment)
    assert by_uv.returncode == 0, by_uv.stdout
