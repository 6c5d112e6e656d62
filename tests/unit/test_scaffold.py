"""`purveyor new`: what is written, and which names cannot be used."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from purveyor.errors import Conflict, Misconfigured
from purveyor.workbench.scaffold import Layout, create, import_name_of


def _pyproject(directory: Path) -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((directory / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("layout", list(Layout))
def test_a_new_project_passes_its_test_at_once(tmp_path: Path, layout: Layout) -> None:
    create("acme-app", tmp_path / "acme", layout)
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=tmp_path / "acme", capture_output=True, text=True, check=False)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize("layout", list(Layout))
def test_a_new_project_builds_without_an_index(tmp_path: Path, layout: Layout) -> None:
    create("Acme.App", tmp_path / "acme", layout)
    command = [sys.executable, "-m", "purveyor", "build", str(tmp_path / "acme"), "--no-isolation"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    names = {path.name for path in (tmp_path / "acme" / "dist").iterdir()}
    assert names == {"acme_app-0.1.0.tar.gz", "acme_app-0.1.0-py3-none-any.whl"}


def test_the_import_name_and_the_command_follow_from_the_name(tmp_path: Path) -> None:
    made = create("Acme.Web-App", tmp_path / "acme")
    assert made.import_name == "acme_web_app"
    assert "src/acme_web_app/__init__.py" in made.files
    assert _pyproject(tmp_path / "acme")["scripts"] == {"acme-web-app": "acme_web_app:main"}


def test_the_flat_layout_has_no_src(tmp_path: Path) -> None:
    made = create("acme-app", tmp_path / "acme", Layout.FLAT)
    assert "acme_app/__init__.py" in made.files


def test_without_a_licence_the_project_is_kept_from_the_public_index(tmp_path: Path) -> None:
    create("acme-app", tmp_path / "acme")
    about = _pyproject(tmp_path / "acme")
    assert (about["license"], about["classifiers"]) == ("LicenseRef-Proprietary", ["Private :: Do Not Upload"])


def test_a_licence_is_written_in_its_canonical_spelling(tmp_path: Path) -> None:
    create("acme-app", tmp_path / "acme", license_expression="apache-2.0 or mit")
    about = _pyproject(tmp_path / "acme")
    assert (about["license"], about.get("classifiers")) == ("Apache-2.0 OR MIT", None)


def test_an_unknown_licence_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="'Beerware-9' is not an SPDX license expression"):
        create("acme-app", tmp_path / "acme", license_expression="Beerware-9")
    assert not (tmp_path / "acme").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is not a valid project name"),
        ("a/b", "is not a valid project name"),
        ("-app", "is not a valid project name"),
        ("a" * 201, "is not a valid project name"),
        ("ünder", "is not a valid project name"),
        ("3d", "begins with a digit"),
        ("class", "is a keyword of Python"),
        ("Json", "is a module of the standard library"),
        ("tests", "is a directory that projects use for something else"),
    ],
)
def test_a_name_that_could_not_be_imported_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason) as caught:
        import_name_of(name)
    assert caught.value.remedy


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match=r"is not empty: it has notes\.txt in it; nothing was written"):
        create("acme-app", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("mine")
    with pytest.raises(Conflict, match="exists and is not a directory"):
        create("acme-app", tmp_path / "acme")


def test_a_fresh_clone_of_an_empty_history_is_no_directory_in_use(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert create("acme-app", tmp_path).files
