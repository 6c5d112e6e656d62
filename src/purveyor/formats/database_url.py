"""Where a database is, as a URL: `postgresql://USER@HOST:PORT/NAME?OPTION=VALUE`, as libpq reads it."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SCHEMES = ("postgresql://", "postgres://")
_SECRET = frozenset({"password", "sslpassword"})


def is_postgres(text: str) -> bool:
    return text.startswith(_SCHEMES)


def has_password(url: str) -> bool:
    return shown(url) != url


def shown(url: str) -> str:
    """The URL without what is secret in it, as it may be printed."""
    if not is_postgres(url):
        return url
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    options = parse_qsl(parts.query, keep_blank_values=True)
    told = [(name, value) for name, value in options if name.lower() not in _SECRET]
    query = parts.query if len(told) == len(options) else urlencode(told)
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{hosts}", query=query))
