"""A release in staging can be installed from the URL of its own index before anybody else sees it."""

from pathlib import Path

import pytest

from tests.clients.installers import Installer, with_pip, with_uv
from tests.clients.tools import NEWEST_PIP, UV, prepared
from tests.distributions import wheel
from tests.promotion.people import Person


@pytest.mark.parametrize("installer", [Installer(NEWEST_PIP, with_pip), Installer(UV, with_uv)], ids=str)
def test_what_is_in_staging_installs_from_there_and_after_promotion_from_the_target(
    installer: Installer, owner: Person, tmp_path: Path, client_environment: dict[str, str]
) -> None:
    prepared(installer.tool)
    owner.upload("dev", wheel("acme", "1.0"), wheel("acme", "2.0"))
    owner.promote("acme", "1.0").raise_for_status()

    def version(index: str) -> str:
        directory = tmp_path / f"{index}{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        installed = installer.install(installer.tool, f"{owner.server.url}{index}/simple/", "acme", directory, client_environment)
        assert installed.done.returncode == 0, installed.done.stdout
        return installed.says("m.__version__", "acme")

    assert (version("dev"), version("prod")) == ("2.0", "1.0")
    owner.promote("acme", "2.0").raise_for_status()
    assert version("prod") == "2.0"
    owner.roll_back("acme").raise_for_status()
    assert version("prod") == "1.0"
