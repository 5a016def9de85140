"""Structured logging: one JSON object a line on stderr, with every key that slips in made unreadable."""

import json
import logging
import re
import sys
import time
from typing import Any, TextIO

import orjson

# A token ends at a quote too: lines are redacted as JSON, and what stands behind it must stay.
_SECRETS = re.compile(
    r"(oo-[0-9a-f]{4})[0-9a-f]{60}"
    r"|(sb_secret_)[^\s\"'\\]+"
    r"|(eyJ)[\w-]{16,}\.[\w-]+\.[\w-]+"
    r"|((?i:bearer) )[^\s\"'\\]+"
)


def redact(text: str) -> str:
    """The text without keys and tokens: their first letters stay, to tell them apart."""
    return _SECRETS.sub(lambda found: next(part for part in found.groups() if part) + "…", text)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
        }
        line |= {"event": record.getMessage()} | getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redact(_json(line))


def _json(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except orjson.JSONEncodeError:
        # Header bytes that are no UTF-8, keys that are no strings: slower, but no event is lost for them.
        return json.dumps(line, default=str, skipkeys=True, ensure_ascii=False).encode("utf-8", "replace").decode()


class Log:
    """A logger of events with fields: `log.info("registry_refreshed", models=5)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"oneai.{name}")

    def info(self, event: str, **fields: Any) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields})

    def exception(self, event: str, **fields: Any) -> None:
        """As `error`, with the traceback of the exception in hand: in the outermost places only."""
        self._logger.exception(event, extra={"fields": fields})


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send our events, and other libraries' warnings, to `stream` (stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("oneai").setLevel(level.upper())
