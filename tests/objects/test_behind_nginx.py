"""nginx in front sends the files of the data directory itself, as the guide sets it up."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import ROOT
from tests.live_server import LiveServer
from tests.objects.stored import BOTH, LARGE, digest, until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")

_AROUND = """
{user}
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{}}
http {{
  access_log {place}/access.log;
  client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3; uwsgi_temp_path {place}/t4;
  scgi_temp_path {place}/t5;
  server {{
    listen 127.0.0.1:{port};
    {locations}
  }}
}}
"""


def locations(server: LiveServer) -> str:
    """What the guide says, with this server's address and data directory in it."""
    guide = (ROOT / "docs/guides/object-storage.md").read_text(encoding="utf-8")
    recipe = re.search(r"```nginx\n(.*?)```", guide, re.DOTALL)
    assert recipe is not None
    return recipe[1].replace("http://127.0.0.1:8080/", server.url).replace("/var/lib/purveyor", str(server.data))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "data", accel="stored-files") as running:
        yield running


@pytest.fixture
def front(server: LiveServer, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(_AROUND.format(user=user, place=tmp_path, port=port, locations=locations(server)))
    process = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c", str(configuration)])
    try:
        until(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_sends_the_files_and_parts_of_them(server: LiveServer, front: str) -> None:
    server.host(*BOTH.items())
    until(lambda: all(blob(server, content).exists() for content in BOTH.values()))
    urls = {file["filename"]: file["url"].replace(server.url, front) for file in server.entries("acme")}

    assert {filename: server.http.get(url).content for filename, url in urls.items()} == BOTH
    whole = server.http.get(urls[LARGE[0]])
    assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "x-accel-redirect" not in whole.headers
    part = server.http.get(urls[LARGE[0]], headers={"Range": "bytes=1000000-1000099"})
    assert (part.status_code, part.content) == (206, LARGE[1][1000000:1000100])
    head = server.http.head(urls[LARGE[0]])
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(LARGE[1])))
    again = server.http.get(urls[LARGE[0]], headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304


def test_nobody_reaches_the_files_past_the_index(server: LiveServer, front: str) -> None:
    server.host(LARGE)
    path = blob(server, LARGE[1]).relative_to(server.data / "blobs")

    assert [server.http.get(f"{front}stored-files/{below}").status_code for below in ("", path)] == [404, 404]


def blob(server: LiveServer, content: bytes) -> Path:
    sha256 = digest(content)
    return server.data / "blobs" / sha256[:2] / sha256[2:]
