"""Which names `purveyor verify` imports, judged from what a distribution has installed."""

import pytest

from purveyor.workbench.verification.import_names import Installed, import_names, is_stub_only, offered_names


def installed(*files: str, top_level: tuple[str, ...] = (), names: tuple[str, ...] | None = None) -> Installed:
    return Installed("1.0", files, top_level, names, (), (), ())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["acme.py"], ("acme",)),
        (["acme/__init__.py", "acme/deep.py", "acme/more/__init__.py"], ("acme",)),
        (["space/one/__init__.py", "space/one/deep.py", "space/two.py"], ("space.one", "space.two")),
        (["acme.cpython-311-x86_64-linux-gnu.so"], ("acme",)),
        (["acme.abi3.so", "_acme.pyd"], ("_acme", "acme")),
        (["acme/__init__.cpython-311-x86_64-linux-gnu.so"], ("acme",)),
        (["acme.py", "tests/__init__.py", "docs/conf.py"], ("acme",)),
        (["tests/__init__.py"], ("tests",)),
        (["../../../bin/acme.py", "acme-1.0.data/x.py", "acme-1.0.dist-info/METADATA"], ()),
        (["__pycache__/acme.cpython-311.pyc", "acme/__main__.py", "no-name.py"], ()),
        (["acme-stubs/__init__.pyi"], ()),
    ],
)
def test_the_names_that_files_offer(files: list[str], expected: tuple[str, ...]) -> None:
    assert offered_names(files) == expected


def test_declared_names_without_a_file_are_missing_and_namespaces_are_not() -> None:
    names = import_names(installed("space/one/__init__.py", "acme.py", top_level=("space", "acme", "absent")))
    assert (names.missing, names.to_import) == (("absent",), ("space", "acme", "space.one"))


def test_import_name_metadata_counts_before_top_level_txt() -> None:
    names = import_names(installed("acme.py", "_acme.py", top_level=("old",), names=("acme", "_acme; private", "")))
    assert (names.declared, names.missing) == (("acme", "_acme"), ())


def test_a_directory_of_stubs_in_top_level_txt_is_no_name_to_import() -> None:
    names = import_names(installed("acme-stubs/__init__.pyi", top_level=("acme-stubs",)))
    assert (names.missing, names.to_import) == ((), ())


def test_stubs_alone_are_told_from_a_typed_module() -> None:
    assert is_stub_only(["acme-stubs/__init__.pyi", "acme-stubs/py.typed"])
    assert not is_stub_only(["acme/__init__.py", "acme/__init__.pyi"])
