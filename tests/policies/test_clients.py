"""A cooldown is honoured by clients that know nothing of it, and whoever insists is told why."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.installers import with_pip, with_poetry, with_uv
from tests.clients.tools import NEWEST_PIP, POETRY, UV, prepared
from tests.live_server import LiveServer
from tests.promotion.people import Person

CLIENTS = {"pip": (NEWEST_PIP, with_pip), "uv": (UV, with_uv), "poetry": (POETRY, with_poetry)}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_newest_release_that_is_old_enough_is_installed_without_any_flag(
    server: LiveServer, owner: Person, client: str, tmp_path: Path, client_environment: dict[str, str]
) -> None:
    tool, install = CLIENTS[client]
    owner.index("default", policy={"cooldown_days": 7})

    def installed(place: str, requirement: str) -> Any:
        directory = tmp_path / place
        directory.mkdir()
        return install(prepared(tool), server.simple_url, requirement, directory, client_environment)

    held = installed("held", "sample>=1.0")
    assert held.done.returncode == 0, held.done.stdout
    assert held.says("m.__version__", "sample") == "1.0"
    assert installed("insisted", "sample==2.0").done.returncode != 0

    (reason,) = owner.call("GET", "api/projects/sample/why")["reasons"]
    assert reason["sentence"].startswith("sample-2.0-py3-none-any.whl is held until ")
    assert reason["remedy"] == "purveyor override sample==2.0 --index default --days 7 --reason '...'"

    owner.call("POST", "api/projects/sample/override", {"version": "2.0", "days": 1})
    if client == "poetry":  # it keeps pages of a source that it has seen, for the time that it runs elsewhere too
        client_environment = {**client_environment, "POETRY_CACHE_DIR": str(tmp_path / "new-cache")}
    opened = installed("opened", "sample>=1.0")
    assert opened.done.returncode == 0, opened.done.stdout
    assert opened.says("m.__version__", "sample") == "2.0"


def test_a_client_that_has_the_link_of_a_held_file_is_told_the_sentence(
    server: LiveServer, owner: Person, tmp_path: Path, client_environment: dict[str, str]
) -> None:
    (link,) = [file["url"] for file in server.entries("sample") if "2.0" in file["filename"]]
    owner.index("default", policy={"cooldown_days": 7})

    answer = server.http.get(link)
    said = with_uv(prepared(UV), server.simple_url, f"sample@{link}", tmp_path, client_environment)
    (reason,) = owner.call("GET", "api/projects/sample/why")["reasons"]

    assert answer.status_code == 403
    assert answer.text.startswith(reason["sentence"].split(" The policy of ")[0])
    assert said.done.returncode != 0
    assert "403" in said.done.stdout
