"""twine, uv, poetry, pdm, hatch and flit, each as a person calls it, against a live server."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.clients.publishers import PUBLISHERS, Publisher, built, distribution_files, published
from tests.distributions import sdist, wheel
from tests.live_server import LiveServer

each_publisher = pytest.mark.parametrize("publisher", PUBLISHERS, ids=str)


def publishers_except(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("publisher", [p for p in PUBLISHERS if str(p) not in names], ids=str)


def the(name: str) -> Publisher:
    return next(publisher for publisher in PUBLISHERS if str(publisher) == name)


_BUILT: dict[str, Path] = {}


@pytest.fixture
def project_of(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, client_environment: Mapping[str, str]
) -> Callable[[Publisher], Path]:
    """A fresh copy of the project that a client has built; the build itself is done once."""

    def copy(publisher: Publisher) -> Path:
        if str(publisher) not in _BUILT:
            _BUILT[str(publisher)] = built(publisher, tmp_path_factory.mktemp(str(publisher)), client_environment)
        return Path(shutil.copytree(_BUILT[str(publisher)], tmp_path / publisher.project))

    return copy


@each_publisher
def test_a_wheel_and_an_sdist_come_back_byte_for_byte(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)

    done = published(publisher, project, server.upload_url, server.token, client_environment)

    assert done.returncode == 0, done.stdout
    sent = distribution_files(project)
    assert {Path(name).suffix for name in sent} == {".whl", ".gz"}
    assert server.files(publisher.project) == sent


@each_publisher
def test_the_same_files_again_are_welcome_and_change_nothing(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)
    first = published(publisher, project, server.upload_url, server.token, client_environment)
    page = server.project(publisher.project)

    again = published(publisher, project, server.upload_url, server.token, client_environment)

    assert (first.returncode, again.returncode) == (0, 0), again.stdout
    assert server.project(publisher.project) == page


@publishers_except("hatch", "pdm")
def test_other_bytes_under_a_taken_name_are_refused_and_the_client_shows_both_hashes(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)
    here = dict([wheel(publisher.project, "1.0"), sdist(publisher.project, "1.0")])
    server.host(*here.items())

    done = published(publisher, project, server.upload_url, server.token, client_environment)

    assert done.returncode != 0
    shown = [
        name
        for name, content in distribution_files(project).items()
        if all(hashlib.sha256(bytes_).hexdigest() in done.stdout for bytes_ in (content, here[name]))
    ]
    assert shown, done.stdout  # a client stops at its first refusal
    assert server.files(publisher.project) == here


def test_pdm_says_of_a_taken_name_only_that_there_is_a_conflict(
    server: LiveServer, project_of: Callable[[Publisher], Path], client_environment: Mapping[str, str]
) -> None:
    publisher = the("pdm")
    project = project_of(publisher)
    server.host(wheel(publisher.project, "1.0"), sdist(publisher.project, "1.0"))

    done = published(publisher, project, server.upload_url, server.token, client_environment)

    assert done.returncode != 0
    assert "409" in done.stdout


def test_hatch_asks_what_is_there_and_leaves_it_alone(
    server: LiveServer, project_of: Callable[[Publisher], Path], client_environment: Mapping[str, str]
) -> None:
    publisher = the("hatch")
    project = project_of(publisher)
    here = dict([wheel(publisher.project, "1.0")])
    server.host(*here.items())

    done = published(publisher, project, server.upload_url, server.token, client_environment)

    assert done.returncode == 0, done.stdout
    assert "already exists" in done.stdout
    files = server.files(publisher.project)
    assert {name: files.get(name) for name in here} == here
    assert len(files) == 2


@publishers_except("pdm", "flit")
def test_a_wheel_that_is_not_what_it_claims_is_refused_and_the_client_shows_why(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)
    shutil.rmtree(project / "dist")
    (project / "dist").mkdir()
    name, content = wheel(publisher.project, "1.0", record=b"")
    (project / "dist" / name).write_bytes(content)

    done = published(publisher, project, server.upload_url, server.token, client_environment)

    assert done.returncode != 0
    assert "RECORD" in done.stdout
    assert server.files(publisher.project) == {}


@each_publisher
def test_a_wrong_token_is_refused_and_the_client_says_so(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)

    done = published(publisher, project, server.upload_url, "not-the-token", client_environment)

    assert done.returncode != 0
    assert "401" in done.stdout or "403" in done.stdout
    if publisher.shows_refusals:
        assert "token" in done.stdout.replace("not-the-token", "").replace("__token__", "")
    assert server.hashes(publisher.project) == {}


@publishers_except("uv")
def test_an_upload_to_the_address_for_reading_is_refused_with_the_address_for_uploads(
    publisher: Publisher,
    server: LiveServer,
    project_of: Callable[[Publisher], Path],
    client_environment: Mapping[str, str],
) -> None:
    project = project_of(publisher)

    done = published(publisher, project, server.simple_url, server.token, client_environment)

    assert done.returncode != 0
    assert "405" in done.stdout
    if publisher.shows_refusals:
        assert "/legacy/" in done.stdout
    assert server.hashes(publisher.project) == {}


def test_uv_recognises_the_address_for_reading_and_gives_its_own_hint(
    server: LiveServer, project_of: Callable[[Publisher], Path], client_environment: Mapping[str, str]
) -> None:
    publisher = the("uv")
    project = project_of(publisher)

    done = published(publisher, project, server.simple_url, server.token, client_environment)

    assert done.returncode != 0
    assert "simple index URL instead of the upload URL" in done.stdout
    assert "/legacy/" in done.stdout
    assert server.hashes(publisher.project) == {}
