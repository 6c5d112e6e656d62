"""docs/guides/diagnose.md names every finding with its severity, and no other; every one of them is in a test."""

from pathlib import Path

from purveyor.workbench.diagnosis.findings import CODES
from tests.docs.documents import ROOT, rows

GUIDE = ROOT / "docs" / "guides" / "diagnose.md"


def test_every_code_is_documented_with_its_severity_and_no_other_is() -> None:
    documented = [(row[0].strip("`"), row[1]) for row in rows(GUIDE.read_text(encoding="utf-8")) if row[0].startswith("`")]

    assert sorted(documented) == sorted((code, str(severity)) for code, (_, severity) in CODES.items())


def test_every_code_of_the_table_is_one_that_the_program_says() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in modules() if path.name != "findings.py")

    # Those of a status are made of two parts in a table.
    assert [code for code in CODES if f'"{code}"' not in said] == []


def test_every_finding_that_is_wrong_has_a_test_that_plants_it() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    wrong = [code for code, (_, severity) in CODES.items() if severity.is_wrong]

    assert [code for code in wrong if f'"{code}"' not in tests and code != "project-quarantined"] == []


def modules() -> list[Path]:
    return sorted((ROOT / "src" / "purveyor" / "workbench" / "diagnosis").glob("*.py"))
