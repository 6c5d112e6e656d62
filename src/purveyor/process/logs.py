"""What a server writes about what it does: lines for people, or JSON for programs, and in neither a secret."""

import json
import logging
import re
from datetime import UTC, datetime

from purveyor.model.requests import CURRENT, current_id
from purveyor.settings import Settings

# Tokens, whole or in part; credentials in URLs; and what stands after the name of a field that holds one.
_SECRETS = (
    (re.compile(r"(pvy_)\w+"), r"\1..."),
    (re.compile(r"(://)[^/\s@'\"]+@"), r"\1...@"),
    (
        re.compile(
            r"((?:authorization|password|secret|x-amz-[a-z-]*(?:token|signature|credential))['\"]?\s*[:=]\s*)[^\s,;&]+(?: [\w+/=.-]{8,})?",
            re.IGNORECASE,
        ),
        r"\1...",
    ),
)


def configure(settings: Settings) -> None:
    """From now on this process writes its log as the settings say, to standard error, unless somebody else has taken care of it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else Lines())
    level = settings.log_level.upper()
    logging.basicConfig(level=level, handlers=[handler])
    # One line a request is for those who ask for it, at whatever level all else is written.
    logging.getLogger("purveyor.access").setLevel(logging.INFO if settings.access_log else logging.WARNING)


def redacted(text: str) -> str:
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class Lines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        request = current_id()
        return super().formatMessage(record) + (f" [{request}]" if request else "")

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """An object a line: time, level, message; request_id where a request is answered; what an access line consists of, by name."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": redacted(record.getMessage()),
        }
        if (under_way := CURRENT.get()) is not None:
            said["request_id"] = redacted(under_way.id)
            said |= {"trace_id": under_way.trace} if under_way.trace else {}
        for name, value in getattr(record, "said", {}).items():
            said[name] = redacted(value) if isinstance(value, str) else value
        if record.exc_info:
            said["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(said)
