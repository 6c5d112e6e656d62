"""What upstreams have, or fail to say, is nothing to whoever publishes here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from purveyor.testing.fake_index import FakeIndex
from purveyor.workbench import ready_made
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


def test_the_ready_made_upstream_is_what_clients_are_set_up_for() -> None:
    assert (
        ready_made.url({"PIP_INDEX_URL": "https://one.example/simple", "UV_DEFAULT_INDEX": "https://two.example/"})
        == "https://one.example/simple"
    )
    assert ready_made.url({"UV_DEFAULT_INDEX": "corporate=https://two.example/simple/"}) == "https://two.example/simple/"


def test_without_any_setting_it_is_what_pip_has_built_in() -> None:
    assert (ready_made.url({}) or "").startswith("https://")
