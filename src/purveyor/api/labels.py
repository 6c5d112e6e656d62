"""By what requests are told apart in numbers and logs: a few classes of paths and of clients, whatever anybody sends."""

ROUTES = ("list", "page", "file", "metadata", "upload", "management", "health", "metrics", "welcome", "other")
CLIENTS = ("pip", "uv", "poetry", "pdm", "twine", "hatch", "flit", "purveyor", "browser", "other")
_CLIENTS_BY_NAME = {name: name for name in CLIENTS[:-2]} | {"mozilla": "browser"}
_OPERATING = {"/": "welcome", "/metrics": "metrics", "/health": "health", "/health/live": "health", "/health/ready": "health"}


def route_of(method: str, path: str) -> str:
    """One of `ROUTES`, by how the decoded path looks: what is there, and whether anything is, is not asked."""
    if path in _OPERATING:
        return "upload" if method == "POST" else _OPERATING[path]
    if "/packages/" in path:
        return "metadata" if path.endswith(".metadata") else "file"
    if "/simple/" in path:
        return "list" if path.endswith("/simple/") else "page"
    if path.rstrip("/").endswith("/legacy") and method == "POST":
        return "upload"
    return "management" if "/api/" in path else "other"


def status_class(status: int) -> str:
    """Such as 2xx; `none` where the client was gone before it could be answered."""
    return f"{status // 100}xx" if status else "none"


def client_of(user_agent: str) -> str:
    """One of `CLIENTS`, by the first product of the User-Agent."""
    product = user_agent.partition(" ")[0].partition("/")[0].lower()
    return _CLIENTS_BY_NAME.get(product) or _CLIENTS_BY_NAME.get(product.partition("-")[0], "other")
