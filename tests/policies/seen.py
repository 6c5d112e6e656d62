"""What clients see of a project: the same in both forms of its page and in its files."""

import re

from tests.live_server import SIMPLE_JSON, LiveServer


def path_of(filename: str, sha256: str, index: str = "") -> str:
    return f"{index}packages/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{filename}"


def names_seen(server: LiveServer, name: str, index: str = "") -> list[str]:
    """The filenames on both forms of the page, which must be the same; none where there is no page."""
    url = f"{server.url}{index}simple/{name}/"
    html = server.http.get(url, headers={"Accept": "text/html"})
    json = server.http.get(url, headers={"Accept": SIMPLE_JSON})
    assert html.status_code == json.status_code
    if not json.is_success:
        return []
    listed = [file["filename"] for file in json.json()["files"]]
    assert re.findall(r">([^<]+)</a>", html.text) == listed
    assert set(json.json()["versions"]) == {filename.removesuffix(".tar.gz").split("-")[1] for filename in listed}
    return listed


def refusal(server: LiveServer, filename: str, sha256: str, index: str = "") -> tuple[int, str]:
    """What a client is told that has the link all the same, of the file and of its metadata."""
    url = f"{server.url}{path_of(filename, sha256, index)}"
    answers = [server.http.get(url), server.http.get(f"{url}.metadata")]
    assert answers[0].status_code == answers[1].status_code
    return answers[0].status_code, answers[0].text
