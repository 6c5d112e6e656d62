"""What upstreams have, or fail to say, is nothing to whoever publishes here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from purveyor.workbench import ready_made
from purveyor.workbench.configuration.found import Surroundings
from tests.distributions import wheel
from tests.upstream.conftest import over

NOBODY = "http://127.0.0.1:9/simple/"


@pytest.mark.parametrize("reachable", [True, False])
def test_a_release_is_published_whatever_is_upstream_under_its_name(upstream: FakeIndex, tmp_path: Path, reachable: bool) -> None:
    filename, content = wheel("acme", "1.0")
    upstream.add(*wheel("acme", "1.0", modules={"other.py": "1"}))
    (tmp_path / filename).write_bytes(content)
    with over(upstream.url if reachable else NOBODY, tmp_path / "data") as server:
        command = [sys.executable, "-m", "purveyor", "publish", "--index-url", server.simple_url, filename]
        environment = {**os.environ, "PURVEYOR_TOKEN": server.token}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert server.files("acme") == {filename: content}


def ready_made_url(tmp_path: Path, **environ: str) -> str:
    here = Surroundings(environ, tmp_path, tmp_path, tmp_path, etc=tmp_path / "etc")
    return ready_made.url(here, 8080) or ""


def test_the_ready_made_upstream_is_what_clients_are_set_up_for(tmp_path: Path) -> None:
    one, two = "https://one.example/simple", "https://two.example/simple/"
    assert ready_made_url(tmp_path, PIP_INDEX_URL=one, UV_DEFAULT_INDEX=two) == one
    assert ready_made_url(tmp_path, UV_DEFAULT_INDEX=f"corporate={two}") == two
    settings = tmp_path / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nindex-url = {one}\n")
    assert ready_made_url(tmp_path) == one


def test_clients_that_install_from_here_do_not_make_the_server_its_own_upstream(tmp_path: Path) -> None:
    here, beside = "http://127.0.0.1:8080/simple/", "http://127.0.0.1:8081/simple/"
    assert ready_made_url(tmp_path, PIP_INDEX_URL=here, UV_DEFAULT_INDEX=beside) == beside
    assert ready_made_url(tmp_path, PIP_INDEX_URL=here).startswith("https://")


def test_without_any_setting_it_is_what_pip_has_built_in(tmp_path: Path) -> None:
    assert ready_made_url(tmp_path).startswith("https://")
