"""Random changes through random servers: what became of each file is what the journal tells, in its order, and nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
import pytest

from tests.cluster.cluster import Caller, Cluster
from tests.distributions import wheel
from tests.live_server import SIMPLE_JSON, LiveServer

WORKERS = 6
SHORT, LONG = 40, pytest.param(600, marks=pytest.mark.slow)
"""Changes that each worker tries."""

PROJECTS = ("acme", "bolt")
VERSIONS = ("1.0", "2.0", "3.0")
# What a change leaves, of what it may be done to. A file is absent, present, yanked or deleted.
LEGAL = {
    "add-file": ({"absent", "deleted"}, "present"),
    "promote": ({"absent", "deleted"}, "present"),
    "yank": ({"present", "yanked"}, "yanked"),
    "unyank": ({"present", "yanked"}, "present"),
    "delete": ({"present", "yanked"}, "deleted"),
}
ACTIONS = ("add-file", "yank", "unyank", "delete", "restore", "promote")


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was acknowledged, and when it was under way."""

    action: str
    index: str
    filename: str
    began: float
    ended: float


@pytest.mark.parametrize("changes", [SHORT, LONG])
def test_every_state_is_explained_by_the_journal_in_its_order(cluster: Cluster, changes: int) -> None:
    first = cluster.servers[0]
    headers = {"Authorization": f"Bearer {cluster.token}"}
    first.http.put(f"{first.url}prod/api/index", json={}, headers=headers).raise_for_status()
    tokens = [_token(first, f"worker-{number}", headers) for number in range(WORKERS)]
    before = len(cluster.journal())
    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(lambda number: _work(cluster, number, tokens[number], changes), range(WORKERS)))
    entries = cluster.journal()
    assert [entry[0] for entry in entries] == list(range(1, len(entries) + 1))
    changed = [entry for entry in entries[before:] if entry[2] != "create-project"]
    matched = []
    for number, acknowledged in enumerate(done):
        own = [(serial, (action, index, filename)) for serial, actor, action, index, filename in changed if actor == f"worker-{number}"]
        matched += _matched(own, acknowledged)
    _check_order(matched)
    told = _replayed([(action, index, filename) for _, _, action, index, filename in changed])
    for server in cluster.servers:
        assert {key: state for index in ("default", "prod") for key, state in _shown(server, index).items()} == {
            key: state for key, state in told.items() if state in ("present", "yanked")
        }


def _token(server: LiveServer, subject: str, headers: dict[str, str]) -> str:
    document = {"subject": subject, "permissions": ["upload", "manage"]}
    answer = server.http.post(f"{server.url}api/tokens", json=document, headers=headers).raise_for_status()
    token: str = answer.json()["token"]
    return token


def _work(cluster: Cluster, number: int, token: str, changes: int) -> list[Done]:
    done = []
    with Caller(cluster, number) as caller:
        for _ in range(changes):
            action, project, version = caller.chance.choice(ACTIONS), caller.chance.choice(PROJECTS), caller.chance.choice(VERSIONS)
            began = time.monotonic()
            answer = _change(caller, token, action, project, version)
            assert answer.status_code in (200, 400, 404, 409), (action, answer.status_code, answer.text)
            if answer.status_code == HTTPStatus.OK and not _was_so_already(action, answer):
                index = "prod" if action == "promote" else "default"
                done.append(Done(action, index, wheel(project, version)[0], began, time.monotonic()))
    return done


def _change(caller: Caller, token: str, action: str, project: str, version: str) -> httpx2.Response:
    if action == "add-file":
        return caller.upload(caller.any(), *wheel(project, version), token)
    if action == "promote":
        document: dict[str, object] = {"version": version, "from": "default"}
        return caller.call(caller.any(), f"prod/api/projects/{project}/promote", token, document)
    return caller.call(caller.any(), f"api/projects/{project}/{action}", token, {"version": version})


def _was_so_already(action: str, answer: httpx2.Response) -> bool:
    """An upload or a promotion that somebody made before is a success, and no change."""
    if action == "promote":
        return not answer.json()["changed"]
    return action == "add-file" and "already here" in answer.text


def _matched(own: list[tuple[int, tuple[str, str, str]]], acknowledged: list[Done]) -> list[tuple[Done, int]]:
    """The entries of one worker are what it was told was done, in that order."""
    assert [what for _, what in own] == [(one.action, one.index, one.filename) for one in acknowledged]
    return [(one, serial) for one, (serial, _) in zip(acknowledged, own, strict=True)]


def _check_order(matched: list[tuple[Done, int]]) -> None:
    """What was acknowledged before another change began stands before it in the journal."""
    ended = sorted(matched, key=lambda pair: pair[0].ended)
    newest, passed = 0, 0
    for one, serial in sorted(matched, key=lambda pair: pair[0].began):
        while ended[passed][0].ended < one.began:
            newest = max(newest, ended[passed][1])
            passed += 1
        assert newest < serial, f"{one} has serial {serial}, but {newest} was acknowledged before it began"


def _replayed(changed: list[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """The state of each file after all of that; each entry must be one that could be."""
    states: dict[tuple[str, str], str] = {}
    kept: dict[tuple[str, str], str] = {}
    for action, index, filename in changed:
        key = (index, filename)
        state = states.get(key, "absent")
        if action == "restore":
            assert state == "deleted", f"{action} of {key}, which was {state}"
            states[key] = kept[key]
            continue
        allowed, after = LEGAL[action]
        assert state in allowed, f"{action} of {key}, which was {state}"
        if action == "delete":
            kept[key] = state
        states[key] = after
    return states


def _shown(server: LiveServer, index: str) -> dict[tuple[str, str], str]:
    root = "" if index == "default" else f"{index}/"
    shown: dict[tuple[str, str], str] = {}
    for project in PROJECTS:
        answer = server.http.get(f"{server.url}{root}simple/{project}/", headers={"Accept": SIMPLE_JSON})
        files = answer.json()["files"] if answer.is_success else []
        shown |= {(index, file["filename"]): "yanked" if file["yanked"] else "present" for file in files}
    return shown
