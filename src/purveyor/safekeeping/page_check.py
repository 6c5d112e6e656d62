"""Whether a project's pages, in HTML and in JSON, say what its rows say: written as the server does, read as a client does."""

from collections.abc import Iterator

from purveyor.errors import PurveyorError
from purveyor.formats import simple_html, simple_json
from purveyor.formats.simple_reader import OfferedFile, read_project
from purveyor.model.files import DistributionFile, Yanked
from purveyor.model.projects import ProjectDetail

_URL = "http://index.invalid/simple/name/"

Told = tuple[str, str | None, str | None, Yanked | None]
"""Of a file: its hash, that of its metadata, what Python it requires, and whether it is yanked."""


def page_faults(detail: ProjectDetail) -> Iterator[str]:
    """One sentence for each difference."""
    wanted = {file.filename: _of_row(file) for file in detail.files} if detail.status.status.offers_files else {}
    for form in (simple_json, simple_html):
        try:
            page = read_project(form.write_detail(detail), form.MEDIA_TYPE, _URL)
        except (PurveyorError, ValueError) as error:
            yield f"it cannot be made as {form.MEDIA_TYPE}: {error}"
            continue
        yield from (f"{fault.detail} ({fault.filename})" if fault.filename else fault.detail for fault in page.faults)
        told = {file.filename: _of_page(file) for file in page.files}
        for filename in sorted(wanted.keys() | told.keys()):
            if wanted.get(filename) != told.get(filename):
                yield f"{form.MEDIA_TYPE} says {told.get(filename)} of {filename}, but its row {wanted.get(filename)}."
        if page.status.status is not detail.status.status:
            yield f"{form.MEDIA_TYPE} says that it is {page.status}, but its row {detail.status}."


def _of_row(file: DistributionFile) -> Told:
    return file.sha256, file.metadata_sha256, file.requires_python, file.yanked


def _of_page(file: OfferedFile) -> Told:
    return file.hashes.get("sha256", ""), file.metadata_hashes.get("sha256"), file.requires_python, file.yanked
