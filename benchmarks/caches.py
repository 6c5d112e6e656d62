"""Programs that pull from an upstream and keep what they pulled, each with an empty cache, and the copy that nginx serves."""

import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from benchmarks import programs
from benchmarks.programs import Command, Program
from benchmarks.stock import Stock

JSON = "application/vnd.pypi.simple.v1+json"
# It falls back to the list of all names whenever the upstream refuses a page; nobody needs that list here, so nobody asks for it.
_PROXPI = """
import proxpi._cache
def no_list(self):
    raise proxpi._cache.NotFound("the list of all names is not asked for")
proxpi._cache._IndexCache._list_packages = no_list
from proxpi.server import app
"""

_DEVPI_MIRROR = "root/pypi"


@dataclass(frozen=True)
class Cache:
    """`ready` is a path that answers `status` without asking the upstream, `simple` where clients are pointed; `begin` is run then."""

    program: Program
    ready: str
    simple: str
    begin: Callable[[int, str], None] = lambda _port, _url: None
    status: int = 200


@dataclass(frozen=True)
class Around:
    """The upstream, the host that its files are on, and the environments in which peers are installed, by their names."""

    url: str
    files_host: str
    peers: Mapping[str, Path]

    def executable(self, peer: str, name: str) -> str | None:
        there = self.peers.get(peer, Path()) / "bin" / name
        return str(there) if peer in self.peers and there.exists() else programs.executable(name)


def caches(around: Around) -> Iterator[Cache]:
    yield _purveyor(around)
    yield _devpi(around)
    yield _proxpi(around)
    yield _pypiron(around)


def nginx(site: Path) -> Cache:
    """`site` holds what `copy_site` made."""
    program = next(each for each in programs.programs() if each.name == "nginx")
    return Cache(replace(program, load=lambda _, data: (data / "www").symlink_to(site)), "/simple/index.json", "/simple/")


def _program(
    name: str, about: str, found: str | None, command: Callable[[Path, int], Command], load: Callable[[Stock, Path], None] | None = None
) -> Program:
    return Program(name, about, lambda: None if found else f"{name} is not installed", load or (lambda _, __: None), command)


def _purveyor(around: Around) -> Cache:
    def command(data: Path, port: int) -> Command:
        argv = (sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(data / "data"))
        return Command(argv, {"PURVEYOR_PYPI_URL": around.url})

    return Cache(_program("purveyor", "as installed", sys.executable, command), "/simple/", "/simple/")


def _devpi(around: Around) -> Cache:
    found = around.executable("devpi", "devpi-server")

    def load(_: Stock, data: Path) -> None:
        init = found and Path(found).with_name("devpi-init")
        subprocess.run((str(init), "--serverdir", data / "data", "--no-root-pypi"), check=True, capture_output=True)

    def command(data: Path, port: int) -> Command:
        return Command((str(found), "--serverdir", str(data / "data"), "--host", "127.0.0.1", "--port", str(port)), {"HOME": str(data)})

    about = "mirror index, mirror_no_project_list=True"
    # It knows nothing of its own in the media types that pip accepts.
    return Cache(_program("devpi", about, found, command, load), "/+status", f"/{_DEVPI_MIRROR}/+simple/", _devpi_index, status=404)


def _devpi_index(port: int, url: str) -> None:
    """Its mirror index, made over HTTP so that it never exists without `mirror_no_project_list`."""
    login = _json(port, "POST", "/+login", {"user": "root", "password": ""}, {})
    pair = base64.b64encode(f"root:{login['result']['password']}".encode()).decode()
    index = {"type": "mirror", "mirror_url": url, "mirror_no_project_list": True, "volatile": False}
    _json(port, "PUT", f"/{_DEVPI_MIRROR}", index, {"X-Devpi-Auth": pair})


def _json(port: int, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, dict[str, str]]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
        return found


def _proxpi(around: Around) -> Cache:
    found = around.executable("proxpi", "gunicorn") if "proxpi" in around.peers else None

    def load(_: Stock, data: Path) -> None:
        (data / "listless.py").write_text(_PROXPI)

    def command(data: Path, port: int) -> Command:
        # As its own container runs it: one process, many threads.
        argv = (str(found), "--threads", "12", "--bind", f"127.0.0.1:{port}", "--chdir", str(data), "listless:app")
        kept = data / "data"
        kept.mkdir()
        return Command(argv, {"PROXPI_INDEX_URL": around.url, "PROXPI_CACHE_DIR": str(kept), "PROXPI_LOGGING_LEVEL": "WARNING"})

    return Cache(_program("proxpi", "gunicorn, 12 threads; never the whole list", found, command, load), "/health", "/index/")


def _pypiron(around: Around) -> Cache:
    found = around.executable("pypiron", "pypiron")

    def command(data: Path, port: int) -> Command:
        where = ("serve", "--data-dir", str(data / "data"), "--bind-addr", f"127.0.0.1:{port}", "--proxy-upstream", around.url)
        # Nothing held back, nothing looked up elsewhere; upstreams on a private network must be allowed by name.
        bare = ("--exclude-newer", "", "--advisory-feed", "", "--malware-block", "false", "--audit-on-boot", "false")
        hosts = ("--proxy-allow-host", around.files_host)
        authority = ("--upstream-ca-cert", os.environ["SSL_CERT_FILE"]) if os.environ.get("SSL_CERT_FILE") else ()
        return Command((str(found), *where, *bare, *hosts, *authority), {"HOME": str(data), "RUST_LOG": "warn"})

    return Cache(_program("pypiron", "local disk, nothing held back", found, command), "/health", "/simple/")


def files_host(url: str, project: str) -> str:
    """Where the files of the index at `url` are."""
    files = _page(url, project)["files"]
    return urlsplit(urljoin(f"{url}{project}/", files[0]["url"])).hostname or ""


def first_page(url: str) -> None:
    request = urllib.request.Request(url, headers={"Accept": f"{JSON}, text/html;q=0.1"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def copy_site(url: str, folder: Path, wheels: Path) -> None:
    """The pages of the index at `url` as they are, and of their files those in `wheels`, with their core metadata."""
    for wheel in sorted(wheels.iterdir()):
        project = wheel.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
        page = _page(url, project)
        for file in page["files"]:
            file["url"] = urlsplit(urljoin(f"{url}{project}/", file["url"])).path
            if file["filename"] == wheel.name:
                _copy_file(url, folder, file["url"], wheel)
        body = json.dumps(page, separators=(",", ":")).encode()
        _write(folder / "simple" / project / "index.json", body)
        _write(folder / "simple" / project / "index.json.gz", gzip.compress(body, 6, mtime=0))
    _write(folder / "simple" / "index.json", b"{}")


def _copy_file(url: str, folder: Path, path: str, wheel: Path) -> None:
    target = folder / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(wheel, target)
    with urllib.request.urlopen(urljoin(url, f"{path}.metadata"), timeout=60) as answer:
        _write(target.with_name(f"{wheel.name}.metadata"), answer.read())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _page(url: str, project: str) -> dict[str, list[dict[str, str]]]:
    request = urllib.request.Request(f"{url}{project}/", headers={"Accept": JSON})
    with urllib.request.urlopen(request, timeout=60) as answer:
        page: dict[str, list[dict[str, str]]] = json.load(answer)
        return page
