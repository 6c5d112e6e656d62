"""What a client sees of an index."""

from tests.live_server import SIMPLE_JSON, LiveServer


def pages(server: LiveServer) -> dict[tuple[str, str], tuple[bytes, str, str]]:
    """Body and entity tag of every page, in HTML and JSON, and the serial of each project.

    That of the list is the newest there was when the list was made, and so says when somebody first asked.
    """
    names = [project["name"] for project in server.http.get(server.simple_url, headers={"Accept": SIMPLE_JSON}).json()["projects"]]
    answers = {
        (path, accept): server.http.get(f"{server.simple_url}{path}", headers={"Accept": accept})
        for path in ("", *(f"{name}/" for name in names))
        for accept in ("text/html", SIMPLE_JSON)
    }
    return {
        key: (answer.content, answer.headers["etag"], answer.headers["x-pypi-last-serial"] if key[0] else "")
        for key, answer in answers.items()
    }
