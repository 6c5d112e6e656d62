"""One index on PostgreSQL, served by several servers."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.distributions import wheel
from tests.live_server import LiveServer
from tests.postgres_server import PostgresServer


def test_of_servers_that_start_together_one_makes_the_schema_and_the_token(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.new_database()
    with ThreadPoolExecutor(4) as starting:
        servers = list(starting.map(lambda number: LiveServer(tmp_path / str(number) / "data", database=url), range(4)))
    try:
        tokens = [server.data / "upload-token" for server in servers if (server.data / "upload-token").exists()]
        assert len(tokens) == 1
        token = tokens[0].read_text().strip()
        assert [server.upload(*wheel("acme", f"1.{number}"), token=token).status_code for number, server in enumerate(servers)] == [200] * 4
        assert [set(server.hashes("acme")) for server in servers] == [{wheel("acme", f"1.{number}")[0] for number in range(4)}] * 4
    finally:
        for server in servers:
            server.stop()


@pytest.mark.usefixtures("started_by_command")
def test_a_password_is_written_down_nowhere(postgres_url: str, tmp_path: Path) -> None:
    secret = postgres_url.replace("postgres@", "postgres:s3cret-word@")
    with LiveServer(tmp_path / "data", "--verbose", database=secret) as server:
        server.host(wheel("acme", "1.0"))
        command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        said = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [content for content in (*said, command_line) if b"s3cret-word" in content]


def test_a_folder_is_not_served_with_it(postgres_url: str, tmp_path: Path) -> None:
    environment = {"PURVEYOR_DATABASE": postgres_url, "PURVEYOR_DATA": str(tmp_path / "data"), "PATH": "", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "purveyor", "serve", "--port", "0", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "Unset PURVEYOR_DATABASE, or serve no folder." in ran.stderr


def test_a_server_on_sqlite_never_imports_the_driver(tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from purveyor import assembly; from purveyor.settings import Settings;"
        " assembly.application(Settings(data=Path(sys.argv[1]))).catalog.close();"
        " print(json.dumps([name for name in sys.modules if name.startswith('psycopg')]))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "data")], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []
