"""`purveyor fsck`: is everything there, and what it should be?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from purveyor.cli.exporting import check_index
from purveyor.cli.reporting import JSON, Reporter, sized
from purveyor.errors import Misconfigured, NotAllowed, PurveyorError
from purveyor.settings import Settings

if TYPE_CHECKING:
    from purveyor.safekeeping.findings import Finding
    from purveyor.safekeeping.stores import Amount, Safekeeping


@click.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The index's data directory.  [the user's data directory]")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="The folder that is served, if it is one.")
@click.option("--quick", is_flag=True, help="Compare sizes only, and read no content.")
@click.option("--repair", is_flag=True, help="Say what will be done about it, and do it: only what loses nothing.")
@click.option(
    "--ledger",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of lines `SHA256  FILENAME`, as sha256sum writes them: what must be offered with that hash.",
)
@JSON
def fsck(data: Path | None, folder: Path | None, ledger: Path | None, *, quick: bool, repair: bool, as_json: bool) -> int:
    """Check the whole index: every file's content is there and has its hash, metadata is that in the file, the journal
    has no gap, every page says what the database says. A server may be running meanwhile.

    Ends with 0 if all is in order, else with 1.
    """
    from purveyor import assembly  # noqa: PLC0415 - the help text needs none of it
    from purveyor.safekeeping.stores import check_arrived  # noqa: PLC0415 - as above

    settings = Settings.from_environment(data=data, folder=folder)
    check_index(settings, there=assembly.has_index(settings))
    reporter = Reporter(as_json=as_json)
    with assembly.safekeeping(settings) as stores:
        check_arrived(stores.tables)
        check = _Check(stores, reporter, quick=quick, ledger=ledger)
        findings = check.run()
        document: dict[str, Any] = {**check.document(), "findings": [_told(finding) for finding in findings]}
        if repair:
            document["repaired"] = _repair(stores, findings, check.checked, reporter)
            findings = check.run(again=True) if findings else findings
            document |= {**check.document(), "left": [_told(finding) for finding in findings]}
        reporter.result({"clean": not findings, **document}, check.summary(len(findings)))
    return 1 if findings else 0


class _Check:
    def __init__(self, stores: "Safekeeping", reporter: Reporter, *, quick: bool, ledger: Path | None) -> None:
        from purveyor.safekeeping.checking import Checker  # noqa: PLC0415 - as above

        self._stores = stores
        self._reporter = reporter
        self._ledger = ledger

        def make() -> Checker:
            return Checker(stores.audit, stores.catalog, stores.originals, quick=quick)

        self._make = make
        self._checker = make()
        self._orphans: Amount

    def run(self, *, again: bool = False) -> "list[Finding]":
        """Each finding is told as soon as it is found."""
        self._checker = self._make()
        if again:
            self._reporter.say("Checking again.")
        findings = list(self._told())
        self._orphans = self._stores.orphans()
        return findings

    def _told(self) -> "Iterator[Finding]":
        from purveyor.safekeeping.checking import lost_uploads  # noqa: PLC0415 - as above

        indexes = [index.name for index in self._stores.catalog.indexes()]
        for finding in self._checker.findings(self._reporter.progress):
            self._tell(finding)
            yield finding
        for finding in lost_uploads(_read_ledger(self._ledger), self._stores.catalog, indexes) if self._ledger else ():
            self._tell(finding)
            yield finding

    def _tell(self, finding: "Finding") -> None:
        self._reporter.lines(f"{finding.code}: {finding.what}", f"  {finding.why}", f"  {finding.remedy}")

    @property
    def checked(self) -> int:
        return self._checker.checked

    def document(self) -> dict[str, Any]:
        return {
            "serial": self._stores.catalog.serial(),
            "contents": self._checker.checked,
            "orphans": {"count": self._orphans.count, "bytes": self._orphans.bytes},
            "unrestorable": self._checker.gone,
        }

    def summary(self, found: int) -> str:
        orphans, gone = self._orphans, self._checker.gone
        said = f"{self._checker.checked} contents, serial {self._stores.catalog.serial()}: "
        said += "all in order." if not found else f"{found} {'thing is' if found == 1 else 'things are'} not in order."
        if orphans.count:
            said += f" {orphans.count} contents that no file has ({sized(orphans.bytes)}) are harmless; `purveyor clean` lists them."
        if gone:
            said += f" {gone} contents of deleted files are gone, so these cannot be restored, only uploaded again."
        return said


def _repair(stores: "Safekeeping", findings: "list[Finding]", checked: int, reporter: Reporter) -> list[str]:
    from purveyor.safekeeping.repairing import DAMAGED, Repairer  # noqa: PLC0415 - as above

    if stores.folder:
        raise NotAllowed("A served folder is its owner's, and not repaired.", "Put the files back into the folder.")
    done = []
    repairer = Repairer(
        stores.audit, stores.catalog, stores.blobs, stores.originals, aside=stores.data / DAMAGED, now=lambda: datetime.now(UTC)
    )
    steps = list(repairer.steps(findings, checked))
    for step in steps:
        reporter.say(f"Will do: {step.will}")
    for step in steps:
        try:
            step.do()
            done.append(step.will)
        except PurveyorError as error:
            reporter.say(f"Not done: {step.will} {error}")
    if settled := stores.settle():
        done.append(f"Settled {settled} small contents.")
    removed = stores.remove_orphans()
    if removed.count:
        done.append(f"Removed {removed.count} contents that no file has ({sized(removed.bytes)}).")
    for line in done:
        reporter.say(f"Done: {line}")
    return done


def _told(finding: "Finding") -> dict[str, str]:
    return {**asdict(finding), "why": finding.why, "remedy": finding.remedy}


def _read_ledger(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        sha256, _, filename = line.partition("  ")
        if not filename:
            raise Misconfigured(f"Line {number} of {path} is not `SHA256  FILENAME`.", "Write it as sha256sum does.")
        yield filename.removeprefix("*"), sha256
