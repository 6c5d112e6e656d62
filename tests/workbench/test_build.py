"""`purveyor build`: both files, or the reason why not."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.workbench.command import purveyor
from tests.workbench.projects import project


def test_both_files_are_built_and_told_with_their_size_and_digest(tmp_path: Path) -> None:
    home = project(tmp_path / "with a space")
    ran = purveyor("build", home, "--json")
    assert ran.code == 0, ran.err
    files = {Path(file["path"]).name: file for file in ran.document["files"]}
    assert sorted(files) == ["acme-1.0-py3-none-any.whl", "acme-1.0.tar.gz"]
    for file in files.values():
        content = Path(file["path"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_current_directory_is_built_by_default_into_its_dist(tmp_path: Path) -> None:
    home = project(tmp_path / "acme")
    ran = purveyor("build", home, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["acme-1.0-py3-none-any.whl", "acme-1.0.tar.gz"]
    assert not (home / "dist").exists()


def test_the_wheel_is_built_from_the_source_distribution(tmp_path: Path) -> None:
    home = project(tmp_path / "acme", content="x = 1\n")
    assert purveyor("build", home, "--no-isolation").code == 0
    with tarfile.open(home / "dist" / "acme-1.0.tar.gz") as archive:
        assert "acme-1.0/backend.py" in archive.getnames()
    with zipfile.ZipFile(home / "dist" / "acme-1.0-py3-none-any.whl") as archive:
        assert archive.read("acme.py") == b"x = 1\n"


@pytest.mark.parametrize("flags", [(), ("--no-isolation",)])
def test_a_failing_build_shows_what_the_backend_said_and_leaves_nothing(tmp_path: Path, flags: tuple[str, ...]) -> None:
    broken = "def build_sdist(directory, config_settings=None):\n    raise SystemExit('the moon is in the wrong place')\n"
    home = project(tmp_path / "acme", backend=broken)
    ran = purveyor("build", home, *flags)
    assert ran.code == 1
    assert "could not be built" in ran.err
    assert "    the moon is in the wrong place\n" in ran.err
    assert not (home / "dist").exists()


def test_a_wheel_that_fails_leaves_no_source_distribution_either(tmp_path: Path) -> None:
    home = project(tmp_path / "acme")
    text = (home / "backend.py").read_text().partition("def build_wheel")[0]
    (home / "backend.py").write_text(text + "def build_wheel(*arguments):\n    raise RuntimeError('no wheel today')\n")
    ran = purveyor("build", home)
    assert (ran.code, "RuntimeError: no wheel today" in ran.err) == (1, True)
    assert not (home / "dist").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[build-system\n", "Failed to parse"),
        ("[build-system]\nrequires = 3\n", "`requires` must be an array of strings"),
        ('[build-system]\nrequires = []\nbuild-backend = "nowhere"\n', "Backend 'nowhere' is not available"),
    ],
)
def test_a_wrong_pyproject_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    ran = purveyor("build", tmp_path, "--no-isolation")
    assert ran.code == 1
    assert said in ran.err
    assert "Traceback" not in ran.err
