"""What every suite may ask for: a live server, and an environment in which a client knows only the index it is told."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live_server import LiveServer
from tests.object_server import Bucket, ObjectServer, new_bucket

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer  # few tests need it, and its driver

# Whatever server a test starts, by whatever means, asks the world for nothing unless the test says otherwise.
os.environ["PURVEYOR_PULL_THROUGH"] = "false"
# A shell starts what runs in its background with SIGINT ignored, and children inherit that; here they are to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    """An empty index of its own for one test, in a directory with a space in its name; `make test-postgres` wants it on PostgreSQL."""
    elsewhere = {"database": request.getfixturevalue("postgres_url")} if "TESTS_ON_POSTGRES" in os.environ else {}
    with LiveServer(tmp_path / "with a space" / "data", **elsewhere) as running:
        yield running


@pytest.fixture
def started_by_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each server is started by its command line, which the system shows for it then."""
    monkeypatch.setattr(LiveServer, "forks", False)


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with ObjectServer(tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture
def object_store(object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket of a real S3 server; where it is and its credentials are in the environment, as the SDKs expect them."""
    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    return new_bucket(object_server)


@pytest.fixture
def client_environment(tmp_path: Path) -> dict[str, str]:
    """Environment variables for a client that ignore this machine's index settings, credentials, caches and proxies."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "1000",  # several clients wrap what they print; a test looks for whole sentences
        "NO_PROXY": "*",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "POETRY_KEYRING_ENABLED": "false",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PDM_CHECK_UPDATE": "false",
        "FLIT_NO_NETWORK": "1",
        "PURVEYOR_PULL_THROUGH": "false",
    }


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """One PostgreSQL for all tests of a process that do not stop it."""
    from tests.postgres_server import PostgresServer  # noqa: PLC0415 - as above

    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template(postgres_server: "PostgresServer") -> str:
    """The name of a database with every table and no row but those that are always there."""
    from purveyor.adapters.postgres import PostgresDatabase  # noqa: PLC0415 - as above

    url = postgres_server.new_database()
    PostgresDatabase(url).close()
    return url.rpartition("/")[2]


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer", postgres_template: str) -> str:
    """A database of its own for one test, in which nothing has happened yet."""
    return postgres_server.new_database(postgres_template)
