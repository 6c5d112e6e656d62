"""Persons with tokens of their own, who manage a live server over its API as programs do."""

import hashlib
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.live_server import SIMPLE_JSON, LiveServer


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever has this token."""

    server: LiveServer
    token: str
    client: httpx2.Client | None = None

    def ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> httpx2.Response:
        """`path` is relative to the server's root."""
        return (self.client or self.server.http).request(
            method,
            f"{self.server.url}{path}",
            json=document,
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
        )

    def call(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        """The same, and it must be done."""
        answer = self.ask(method, path, document)
        assert answer.is_success, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def index(self, name: str, **settings: Any) -> None:
        self.call("PUT", f"{name}/api/index", settings)

    def upload(self, index: str, *distributions: tuple[str, bytes]) -> None:
        for filename, content in distributions:
            answer = upload(self.server, index, filename, content, self.token)
            assert answer.is_success, answer.text

    def promote(self, name: str, version: str, source: str = "dev", target: str = "prod") -> httpx2.Response:
        return self.ask("POST", f"{target}/api/projects/{name}/promote", {"version": version, "from": source})

    def roll_back(self, name: str, index: str = "prod", **document: Any) -> httpx2.Response:
        return self.ask("POST", f"{index}/api/projects/{name}/rollback", document)

    def other(self, subject: str, *permissions: str) -> "Person":
        """A colleague, who is given a token."""
        return Person(self.server, self.call("POST", "api/tokens", {"subject": subject, "permissions": list(permissions)})["token"])

    def journal(self, index: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.call("GET", f"{index}/api/journal")["entries"]
        return entries


def upload(server: LiveServer, index: str, filename: str, content: bytes, token: str) -> httpx2.Response:
    """One upload to an index that need not be the default one."""
    wheel = filename.endswith(".whl")
    name, version = filename.removesuffix(".tar.gz").split("-")[:2]
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "filetype": "bdist_wheel" if wheel else "sdist",
        "pyversion": "py3" if wheel else "source",
        "name": name,
        "version": version,
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    url = f"{server.url}{index}/legacy/"
    return server.http.post(url, data=fields, files={"content": (filename, content)}, auth=("__token__", token))


@dataclass(frozen=True, slots=True)
class Pages:
    """Both forms of a project's page: what a client is sent, and under which ETag."""

    html: bytes
    json: bytes
    etags: tuple[str, str]


def pages(server: LiveServer, index: str, name: str) -> Pages:
    url = f"{server.url}{index}/simple/{name}/"
    html, json = (server.http.get(url, headers={"Accept": accept}) for accept in ("text/html", SIMPLE_JSON))
    return Pages(html.content, json.content, (html.headers.get("ETag", ""), json.headers.get("ETag", "")))


def hashes(server: LiveServer, index: str, name: str) -> dict[str, str]:
    """Filename to sha256, as the page says; nothing where there is no such page."""
    answer = server.http.get(f"{server.url}{index}/simple/{name}/", headers={"Accept": SIMPLE_JSON})
    if answer.status_code == httpx2.codes.NOT_FOUND:
        return {}
    return {file["filename"]: file["hashes"]["sha256"] for file in answer.raise_for_status().json()["files"]}
