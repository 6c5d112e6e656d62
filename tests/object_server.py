"""A real S3 server (SeaweedFS, one process), and a bucket of it for one test."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import obstore
from obstore.store import S3Store

ACCESS_KEY = "purveyor"
SECRET_KEY = "known-to-the-tests-only"
START_LIMIT = 60.0
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc")
_OFF = ("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false")
_SMALL = ("-s3.cacheCapacityMB=16", "-s3.readerCacheSizeMB=32", "-volume.readBufferSizeMB=1", "-volume.preStopSeconds=0")


class ObjectServer:
    """On the loopback address, over the directory `data`; its address survives `kill` and `start`, and so does what it has acknowledged."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ports = _free_ports(len(_PORTS) + 2)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        data.mkdir(parents=True, exist_ok=True)
        (data / "s3.json").write_text(json.dumps(_IDENTITIES))
        self.start()

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client of it is told, in the variables that every SDK knows."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Return once it answers."""
        s3, admin, *others = self._ports
        ports = [f"-{name}={port}" for name, port in zip(_PORTS, others, strict=True)]
        where = ["-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}", f"-admin.port={admin}", "-s3.config=s3.json"]
        with (self._data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_executable()), "mini", *where, *ports, *_OFF, *_SMALL],
                cwd=self._data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def pause(self) -> None:
        """From now on it takes connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """From now on connections to it are refused."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url, timeout=1).close()
            except urllib.error.HTTPError:
                return  # it wants a signature: it is there
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"The object server did not start:\n{(self._data / 'log').read_text(errors='replace')[-4000:]}")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that nobody else uses, on a server that others may."""

    url: str
    server: ObjectServer

    def objects(self) -> dict[str, int]:
        """Every key in the bucket, with the size of what is there."""
        return {found["path"]: found["size"] for page in obstore.list(self._whole()) for found in page}

    def put(self, key: str, content: bytes) -> None:
        obstore.put(self._whole(), key, content)

    def remove(self, key: str) -> None:
        obstore.delete(self._whole(), key)

    def make(self) -> None:
        """The server makes a bucket with the first object in it, and leaves it when that is gone."""
        self.put("first", b"")
        self.remove("first")

    def _whole(self) -> S3Store:
        return S3Store(
            self.url.split("/")[2],
            endpoint=self.server.url,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )


def new_bucket(server: ObjectServer) -> Bucket:
    """An empty one, and a prefix in it to put a server's blobs below."""
    bucket = Bucket(f"s3://test-{uuid.uuid4().hex[:12]}/our-index", server)
    bucket.make()
    return bucket


_IDENTITIES = {
    "identities": [
        {
            "name": "purveyor",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


def _executable() -> Path:
    return Path(sys.executable).with_name("weed")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
