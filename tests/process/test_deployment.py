"""What lies in deploy/ works: the container's command as any user with nothing writable but the volume, and the service's unit."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.distributions import wheel
from tests.workbench.command import environment

DEPLOY = Path(__file__).parents[2] / "deploy"
USER = "12345"


@pytest.fixture
def volume() -> Iterator[Path]:
    """A directory that anyone may write into, as the container's volume, in no directory that is closed to others."""
    made = Path(tempfile.mkdtemp(prefix="purveyor-volume-"))
    made.chmod(0o1777)
    yield made
    shutil.rmtree(made)


def as_anybody(command: list[str]) -> list[str]:
    """As a user whom this system does not know; who is not root can only be himself.

    The checkout and the Python may lie where others may not read: that right is given along, the right to write is not.
    """
    if os.getuid() != 0:
        return command
    rights = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--bounding-set", "-all,+dac_read_search")
    return ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *rights, *command]


def recipe() -> str:
    return (DEPLOY / "Containerfile").read_text().replace("\\\n", "")


def container_environment(volume: Path) -> Mapping[str, str]:
    given = dict(re.findall(r"(\w+)=(\S+)", next(line for line in recipe().splitlines() if line.startswith("ENV "))))
    kept = {name: value for name, value in environment().items() if name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV")}
    # No HOME, and nowhere for temporary files.
    return kept | {name: value.replace("/data", str(volume)) for name, value in given.items()} | {"TMPDIR": "/nonexistent"}


def container_command(instruction: str) -> list[str]:
    """The command of the recipe, with the Python that runs the tests and on a free port."""
    line = next(line for line in recipe().splitlines() if line.split(" CMD ")[0].startswith(instruction) and "CMD" in line)
    program: list[str] = json.loads("[" + line.partition("[")[2])
    assert program[0] == "purveyor"
    return as_anybody([sys.executable, "-m", *("0" if word == "8080" else word for word in program)])


def run(command: list[str], variables: Mapping[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    # Publishing uses a temporary directory, of whoever publishes: not part of what the server needs.
    return subprocess.run(command, env={**variables, "TMPDIR": str(directory)}, cwd=directory, capture_output=True, text=True, check=False)


def test_the_containers_command_serves_as_any_user_with_nothing_writable_but_the_volume(volume: Path) -> None:
    variables = container_environment(volume)
    with subprocess.Popen([*container_command("CMD"), "--json"], env=variables, cwd="/", stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            said = json.loads(server.stdout.readline())
            filename, content = wheel("acme-app", "1.0")
            (volume / filename).write_bytes(content)
            publish = [sys.executable, "-m", "purveyor", "publish", str(volume / filename), "--index-url", said["url"]]
            published = run(as_anybody(publish), variables, volume)
            assert published.returncode == 0, published
            health = run(container_command("HEALTHCHECK"), variables, volume)
            assert health.returncode == 0, health
            assert "holds     1 project, 1 file\n" in health.stdout
        finally:
            server.terminate()
    assert server.returncode == 0
    assert list((volume / "run").iterdir()) == []
    assert (volume / "index").stat().st_uid == (int(USER) if os.getuid() == 0 else os.getuid())


def test_a_user_without_a_home_is_told_what_to_set(volume: Path) -> None:
    variables = {name: value for name, value in container_environment(volume).items() if not name.startswith("PURVEYOR_")}
    ran = run(container_command("CMD"), variables, volume)
    if os.getuid() == 0:  # else this user has a home in /etc/passwd
        assert ran.returncode == 2
        assert ran.stderr == "Error: There is no home directory for a data directory.\nSet PURVEYOR_DATA to a directory.\n"
        assert list(volume.iterdir()) == []


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "purveyor.service").read_text()
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    assert parser.sections() == ["Unit", "Service", "Install"]
    assert parser["Service"]["ExecStart"].split()[1] == "serve"
    if shutil.which("systemd-analyze"):
        # It looks whether the program is there.
        unit = tmp_path / "purveyor.service"
        unit.write_text(text.replace("/opt/purveyor/bin/purveyor", "/bin/true"))
        checked = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
        assert "purveyor.service" not in checked.stderr, checked.stderr


def test_the_command_of_the_unit_is_one_that_purveyor_takes() -> None:
    line = next(line for line in (DEPLOY / "purveyor.service").read_text().splitlines() if line.startswith("ExecStart="))
    ran = subprocess.run(
        [sys.executable, "-m", "purveyor", *line.split()[1:], "--help"], env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0
