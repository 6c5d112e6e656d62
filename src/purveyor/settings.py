"""Every setting, once: its name, default, meaning. Flags set them, else the environment (`PURVEYOR_` and the name in capitals)."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from purveyor.errors import Misconfigured
from purveyor.formats.database_url import is_postgres

DEFAULT_PORT = 8080
LOG_LEVELS = ("debug", "info", "warning", "error")


def default_data() -> Path:
    """The user's data directory: never the current directory, so that it does not matter where a server is started."""
    from platformdirs import user_data_path  # noqa: PLC0415 - a fifth of the start-up budget is not spent where --data is given

    return _below_home(lambda: user_data_path("purveyor"), "data directory", "PURVEYOR_DATA")


def default_run_dir() -> Path:
    """Where the user's running servers are written down: one place for all of them, whatever their data directories."""
    from platformdirs import user_state_path  # noqa: PLC0415 - as above

    return _below_home(lambda: user_state_path("purveyor"), "run directory", "PURVEYOR_RUN_DIR") / "run"


def _below_home(find: Callable[[], Path], what: str, variable: str) -> Path:
    """The path, unless the user has no home directory, as in many a container."""
    try:
        path = find()
    except RuntimeError:  # so say newer versions of platformdirs; older ones name a path below the current directory
        path = Path()
    if not path.is_absolute():
        raise Misconfigured(f"There is no home directory for a {what}.", f"Set {variable} to a directory.")
    return path


def _setting(default: Any, doc: str, *choices: str) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices})


# ruff: noqa: RUF009 - `_setting` is dataclasses.field with the documentation beside it


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's settings. The documentation of each is its `doc`; docs/reference/settings.md repeats it and a test compares."""

    host: str = _setting("127.0.0.1", "Address to listen on. Anything but a loopback address lets others reach the index.")
    port: int = _setting(DEFAULT_PORT, "Port to listen on; 0 picks a free one.")
    data: Path | None = _setting(None, "Directory for the database, the files and the upload token. Default: the user's data directory.")
    folder: Path | None = _setting(None, "Folder of wheels and sdists to serve and to follow; what is uploaded lands there.")
    database: str = _setting(
        "sqlite",
        "Where the index is kept: `sqlite` for a file in the data directory, or postgresql://USER@HOST:PORT/NAME for many servers.",
    )
    consistency: str = _setting(
        "exact",
        "What servers over one PostgreSQL promise: `exact`, each answer as new as the database; or `bounded`, at most a second older.",
    )
    blobs: str = _setting(
        "local",
        "Where files are kept: `local` for the data directory, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX.",
    )
    run_dir: Path | None = _setting(None, "Directory where running servers are written down. Default: the user's state directory.")
    workers: int = _setting(1, "Server processes that share the port.")
    express: bool = _setting(
        True,
        "Answer held pages and files straight from the protocol; `false` sends every request through the plain ASGI read path.",
    )
    max_upload_size: int = _setting(1 << 30, "Largest distribution file accepted, in bytes.")
    max_unpacked_size: int = _setting(4 << 30, "Largest size of an uploaded archive once unpacked, in bytes.")
    max_entries: int = _setting(100_000, "Most entries an uploaded archive may have.")
    max_ratio: int = _setting(100, "Most bytes an archive above 64 MiB unpacked may have for each byte packed.")
    page_memory: int = _setting(24 << 20, "Bytes that a server process may hold of pages, and again as many of whole answers; disposable.")
    header_timeout: int = _setting(10, "Seconds a client has to send a request's head.")
    idle_timeout: int = _setting(30, "Seconds a connection may stay silent between requests, or in the middle of a body.")
    upload_threads: int = _setting(8, "Threads of a server process that check and store uploads; more uploads wait for one.")

    log_level: str = _setting("warning", "What is logged: `debug`, `info`, `warning` or `error`. `--verbose` is `info`.", *LOG_LEVELS)
    log_format: str = _setting("text", "How: `text` for people, or `json`, an object a line, for programs.", "text", "json")
    access_log: bool = _setting(False, "Log a line for each request, except those that the express lane answers.")
    metrics: str = _setting(
        "local", "Who may read `/metrics`: `local` for this machine alone, `on` for everyone, `off` for nobody.", "local", "on", "off"
    )
    tracing: bool = _setting(False, "Send spans by OpenTelemetry, as its variables `OTEL_*` say; needs `purveyor[otel]`.")
    drain_delay: int = _setting(
        0, "Seconds for which a server that is told to end still answers, as not ready: the time a balancer needs to notice."
    )
    drain_timeout: int = _setting(10, "Seconds that uploads and downloads under way have to finish once a server ends.")
    least_free: int = _setting(100 << 20, "Bytes that should be free where the data directory is; with less the server is not ready.")

    pull_through: bool = _setting(True, "Ask remote upstreams for what is not hosted here; `false` is as if no index had any.")
    offline: bool = _setting(False, "Ask no upstream for anything: of remote projects and files, offer what was seen and stored before.")
    pypi_url: str = _setting(
        "auto",
        "Where the ready-made upstream `pypi` is; `auto` takes what this machine's clients are set up for, else what pip has built in.",
    )
    upstream_fresh: int = _setting(600, "Seconds for which a remote project's page is not asked for again; more if the upstream says so.")
    upstream_timeout: int = _setting(10, "Seconds an upstream may say nothing.")
    upstream_hosts: str = _setting("none", "Hosts that upstreams may lead to although they are on a private network, separated by commas.")
    fetch_ahead: int = _setting(
        16 << 20,
        "Wheels up to so many bytes are fetched once somebody asks for their metadata, and pages of what a wheel needs,"
        " while nothing else is asked for; 0 for none of it.",
    )
    cache_size: int = _setting(20 << 30, "Bytes of remote files that are kept; those unused for longest go first, hosted ones never.")
    blob_cache: int = _setting(
        10 << 30, "Bytes of an object store's files that are kept in the data directory too; those unused for longest go first."
    )
    downloads: str = _setting(
        "stream",
        "Where clients get files: `stream` from here, `redirect` from the object store, or the size in bytes from which it is the store.",
    )
    download_life: int = _setting(3600, "Seconds for which a link to the object store is good.")
    download_url: str = _setting(
        "none", "Public URL of the `blobs/` in the store, such as a CDN's: redirects go there, and nothing is signed."
    )
    accel: str = _setting("none", "Location of the nginx in front that leads to the `blobs/` in the data directory: nginx sends the files.")

    @property
    def redirected_from(self) -> int | None:
        """How large a file must be for clients to be sent elsewhere for it; None where they never are."""
        if self.downloads in ("stream", "redirect"):
            return None if self.downloads == "stream" else 0
        try:
            return int(self.downloads)
        except ValueError:
            raise Misconfigured(
                f"PURVEYOR_DOWNLOADS is {self.downloads!r}.",
                "Set it to stream, redirect, or the size in bytes from which files are redirected.",
            ) from None

    @property
    def data_dir(self) -> Path:
        """`data`; else the user's data directory, of which each served folder has a part of its own, so that it may be read-only."""
        if self.data is not None:
            return self.data
        if self.folder is None:
            return default_data()
        resolved = self.folder.resolve()
        return default_data() / "folders" / f"{resolved.name}-{sha256(os.fsencode(resolved)).hexdigest()[:12]}"

    @property
    def run_directory(self) -> Path:
        return self.run_dir if self.run_dir is not None else default_run_dir()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **flags: Any) -> "Settings":
        """Flags that are not None, else the environment, else the default; raises `Misconfigured` naming the variable."""
        values: dict[str, Any] = {}
        for f in fields(cls):
            variable = f"PURVEYOR_{f.name.upper()}"
            if flags.get(f.name) is not None:
                values[f.name] = flags[f.name]
            elif variable in environ:
                values[f.name] = _parse(variable, environ[variable], f.default)
                _check_least(variable, values[f.name])
                _check_choice(variable, values[f.name], f.metadata["choices"])
        _check_database(values.get("database", "sqlite"), values.get("consistency", "exact"))
        return cls(**values)

    def to_environment(self) -> dict[str, str]:
        """The variables under which `from_environment` gives these settings again, for a worker process."""
        values = {f"PURVEYOR_{f.name.upper()}": getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}


_MAY_BE_ZERO = ("PURVEYOR_FETCH_AHEAD", "PURVEYOR_PORT", "PURVEYOR_DRAIN_DELAY", "PURVEYOR_LEAST_FREE")


def _check_database(database: str, consistency: str) -> None:
    if database != "sqlite" and not is_postgres(database):
        raise Misconfigured(
            "The database is neither `sqlite` nor a URL that begins with postgresql://.", "Set PURVEYOR_DATABASE to either."
        )
    if consistency not in ("exact", "bounded"):
        raise Misconfigured(f"PURVEYOR_CONSISTENCY is {consistency!r}, not exact or bounded.", "Set it to either, or unset it.")


def _check_least(variable: str, value: Any) -> None:
    least = 0 if variable in _MAY_BE_ZERO else 1
    if isinstance(value, int) and not isinstance(value, bool) and value < least:
        raise Misconfigured(f"{variable} is {value}, but must be at least {least}.", f"Set {variable} to {least} or more, or unset it.")


def _check_choice(variable: str, value: Any, choices: Sequence[str]) -> None:
    if choices and value not in choices:
        known = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise Misconfigured(f"{variable} is {value!r}, not {known}.", f"Set {variable} to one of these, or unset it.")


def _parse(variable: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("true", "1", "yes", "on"):
            return True
        if text.lower() in ("false", "0", "no", "off"):
            return False
        raise Misconfigured(f"{variable} is {text!r}, not true or false.", f"Set {variable} to true or false, or unset it.")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise Misconfigured(f"{variable} is {text!r}, not a whole number.", f"Set {variable} to a number, or unset it.") from None
    if isinstance(default, str):
        return text
    return Path(text).expanduser()
