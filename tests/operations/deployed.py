"""What stands in deploy/, as programs read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from purveyor.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
Document = Mapping[str, Any]


def compose() -> Document:
    document: Document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def manifests() -> dict[str, Document]:
    """By kind, those that kustomization.yaml names."""
    folder = DEPLOY / "kubernetes"
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    documents = [yaml.safe_load((folder / name).read_text()) for name in names]
    assert sorted(names) == sorted(path.name for path in folder.iterdir() if path.name not in ("kustomization.yaml", "secret.example.yaml"))
    return {document["kind"]: document for document in documents}


def secret() -> Document:
    document: Document = yaml.safe_load((DEPLOY / "kubernetes" / "secret.example.yaml").read_text())
    return document


def settings_in(environment: Mapping[str, str]) -> Settings:
    """As a server reads them. Each value is a text, as Kubernetes demands, and each name is that of a setting."""
    ours = {name: value for name, value in environment.items() if name.startswith("PURVEYOR_")}
    assert all(isinstance(value, str) for value in environment.values()), environment
    known = {f"PURVEYOR_{name.upper()}" for name in Settings.__dataclass_fields__}
    assert ours.keys() <= known
    return Settings.from_environment(ours)
