"""An index out there has no business inside."""

import pytest

from purveyor.workbench.importing.addresses import is_further_inside

PUBLIC = "https://192.0.1.1/simple/"
OFFICE = "http://10.1.2.3/simple/"
HERE = "http://127.0.0.1:8080/simple/"


@pytest.mark.parametrize(
    ("index", "link"),
    [
        (PUBLIC, "http://10.0.0.1/x.whl"),
        (PUBLIC, "http://127.0.0.1/x.whl"),
        (PUBLIC, "http://localhost/x.whl"),
        (PUBLIC, "http://169.254.169.254/latest/"),
        (PUBLIC, "http://[::1]/"),
        (PUBLIC, "http://[::ffff:127.0.0.1]/"),
        (PUBLIC, "http://[fd00::1]/"),
        (OFFICE, "http://169.254.169.254/latest/"),
        (OFFICE, "http://127.0.0.1:9/"),
        (OFFICE, "http://0.0.0.0/"),
    ],
)
def test_a_link_further_inside_is_told(index: str, link: str) -> None:
    assert is_further_inside(index, link)


@pytest.mark.parametrize(
    ("index", "link"),
    [(PUBLIC, "https://192.0.1.2/x.whl"), (OFFICE, "http://10.9.9.9/"), (OFFICE, PUBLIC), (HERE, OFFICE), (HERE, HERE)],
)
def test_any_other_is_fine(index: str, link: str) -> None:
    assert not is_further_inside(index, link)
