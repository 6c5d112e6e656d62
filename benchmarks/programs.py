"""The servers that are compared: what each needs, how it is given a site, how it is started, where it takes uploads."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import loaders, purveyor_loader
from benchmarks.machine import search_path
from benchmarks.stock import Stock


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UploadPoint:
    path: str
    user: str
    password: str


@dataclass(frozen=True)
class Program:
    """`load` fills an empty data directory with the stock of a site, or raises `NotOffered`; `uploads` is None where there are none."""

    name: str
    about: str
    absent: Callable[[], str | None]
    load: Callable[[Stock, Path], None]
    command: Callable[[Path, int], Command]
    uploads: Callable[[Path], UploadPoint] | None = None


def _needs_executable(name: str, remedy: str) -> Callable[[], str | None]:
    return lambda: None if executable(name) else f"{name} is not installed ({remedy})"


def _needs_module(name: str, remedy: str) -> Callable[[], str | None]:
    return lambda: None if importlib.util.find_spec(name) else f"{name} is not installed ({remedy})"


def executable(name: str) -> str | None:
    """Beside this interpreter first: the virtual environment need not be activated."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name, path=search_path())


def _purveyor_absent() -> str | None:
    missing = importlib.util.find_spec("purveyor") is None or importlib.util.find_spec("purveyor.cli.main") is None
    return "purveyor is not installed, or has no server yet (pip install -e .)" if missing else None


def _purveyor_command(*, express: bool) -> Callable[[Path, int], Command]:
    def command(data: Path, port: int) -> Command:
        argv = (sys.executable, "-m", "purveyor", "serve", "--port", str(port), "--data", str(data))
        return Command(argv, {"PURVEYOR_EXPRESS": str(express).lower()})

    return command


def _purveyor_uploads(data: Path) -> UploadPoint:
    return UploadPoint("/legacy/", "__token__", (data / "upload-token").read_text().strip())


_NGINX = """
{user}
worker_processes 1;
daemon off;
pid {data}/nginx.pid;
error_log {data}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {data}/t1; proxy_temp_path {data}/t2;
  fastcgi_temp_path {data}/t3; uwsgi_temp_path {data}/t4; scgi_temp_path {data}/t5;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 300;
  keepalive_requests 1000000000;
  open_file_cache max=100000 inactive=1h;
  open_file_cache_valid 1h;
  types {{ }}
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {data}/www;
    {pages}
    location /packages/ {{ add_header Cache-Control "max-age=31536000, immutable"; }}
  }}
}}
"""


# Measured: sendfile costs nginx a third more on a page of 700 bytes and saves it a third on one of 300 KB, so each page gets what suits it.
_NGINX_PAGES = """
    location {pattern} {{
      sendfile {sendfile};
      default_type application/vnd.pypi.simple.v1+json;
      gzip_static on;
      index index.json;
      add_header Vary "Accept, Accept-Encoding";
      add_header Cache-Control "max-age=600";
    }}"""
_NGINX_LARGE_PAGE = 32 * 1024


def _nginx_pages(simple: Path) -> str:
    locations = [_NGINX_PAGES.format(pattern="/simple/", sendfile="off")]
    for page in simple.glob("**/index.json.gz"):
        if page.stat().st_size > _NGINX_LARGE_PAGE:
            pattern = "= /simple/index.json" if page.parent == simple else f"/simple/{page.parent.name}/"
            locations.append(_NGINX_PAGES.format(pattern=pattern, sendfile="on"))
    return "".join(locations)


def _nginx_command(data: Path, port: int) -> Command:
    # Started by root, nginx would give its worker to a user who may not read a temporary directory.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = data / "nginx.conf"
    configuration.write_text(_NGINX.format(user=user, data=data, port=port, pages=_nginx_pages(data / "www" / "simple")))
    return Command((str(executable("nginx")), "-p", str(data), "-e", str(data / "error.log"), "-c", str(configuration)))


def _pypiron_command(data: Path, port: int) -> Command:
    # Hosting only: no upstream is configured, so its release cooldown has nothing to hold back; no advisories are fetched.
    argv = (str(executable("pypiron")), "serve", "--data-dir", str(data), "--bind-addr", f"127.0.0.1:{port}")
    offline = ("--advisory-feed", "", "--malware-block", "false", "--audit-on-boot", "false")
    return Command((*argv, *offline), {"PYPIRON_ADMIN_PASS": "benchmark", "HOME": str(data), "RUST_LOG": "warn"})


def _pypiserver_command(server: str) -> Callable[[Path, int], Command]:
    def command(data: Path, port: int) -> Command:
        argv = (
            str(executable("pypi-server")),
            "run",
            "--disable-fallback",
            "--interface",
            "127.0.0.1",
            "--port",
            str(port),
        )
        # Anyone may upload: hashing a password would cost it more than the upload.
        open_to_all = ("--passwords", ".", "--authenticate", ".", "--server", server, str(data / "files"))
        arguments = "--workers 1 --threads 8 --keep-alive 30 --no-control-socket"
        return Command((*argv, *open_to_all), {"GUNICORN_CMD_ARGS": arguments, "HOME": str(data)})

    return command


def programs() -> tuple[Program, ...]:
    """In the order of the table; nginx is the yardstick."""
    return (_nginx(), *_purveyors(), _pypiron(), *_pypiservers())


def _nginx() -> Program:
    about = "static files written beforehand, gzip_static, sendfile, open_file_cache"
    return Program("nginx", about, _needs_executable("nginx", "apt-get install nginx-light"), loaders.nginx, _nginx_command)


def _purveyors() -> tuple[Program, ...]:
    def purveyor(name: str, about: str, *, express: bool) -> Program:
        command = _purveyor_command(express=express)
        return Program(name, about, _purveyor_absent, purveyor_loader.load, command, _purveyor_uploads)

    plain = "PURVEYOR_EXPRESS=false: every request through the plain ASGI read path"
    return purveyor("purveyor", "as installed", express=True), purveyor("purveyor-plain", plain, express=False)


def _pypiron() -> Program:
    absent = _needs_executable("pypiron", "pip install pypiron")
    point = UploadPoint("/legacy/", "admin", "benchmark")
    return Program("pypiron", "hosting only, local disk", absent, loaders.pypiron, _pypiron_command, lambda _: point)


def _pypiservers() -> tuple[Program, ...]:
    point = UploadPoint("/", "any", "any")

    def pypiserver(name: str, about: str, module: str, server: str) -> Program:
        absent = _needs_module(module, f'pip install "pypiserver[cache]" {module}')
        return Program(name, about, absent, loaders.pypiserver, _pypiserver_command(server), lambda _: point)

    # "auto" is waitress wherever that is installed.
    return (
        pypiserver("pypiserver", "on waitress, uploads open to all", "waitress", "auto"),
        pypiserver("pypiserver-gunicorn", "on gunicorn, one worker of eight threads, likewise", "gunicorn", "gunicorn"),
    )
