"""Where files live."""

from hypothesis import given
from hypothesis import strategies as st

from purveyor.formats.links import FileLink, file_path, read_file_path

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
FILENAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,60}\.(whl|tar\.gz)", fullmatch=True)


@given(DIGESTS, FILENAMES)
def test_a_path_read_again_leads_to_its_file_and_to_its_metadata(sha256: str, filename: str) -> None:
    path = file_path(sha256, filename)
    assert "+" not in path
    decoded = path.replace("%2B", "+").replace("%21", "!")
    assert read_file_path(decoded) == FileLink(sha256, filename, metadata=False)
    assert read_file_path(f"{decoded}.metadata") == FileLink(sha256, filename, metadata=True)


@given(st.text())
def test_any_other_text_leads_nowhere(path: str) -> None:
    assert read_file_path(path) is None
    assert read_file_path(f"packages/ab/cd/{path}") is None
