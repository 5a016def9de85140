"""Shows a fresh key, the one time that it can be shown."""

import sys
from collections.abc import Sequence
from typing import Any

from oneai.cli.frame import Desk

_ONCE = "It is shown this once and kept nowhere: only its SHA-256 is stored."


def give(desk: Desk, key: str, document: dict[str, Any], lines: Sequence[str]) -> None:
    """The key alone on stdout where that is piped on, with --json in the document; the words beside it."""
    if desk.out.json:
        desk.out.give(document | {"key": key}, lambda _console: None)
    else:
        print(key)
    words = [_ONCE, *lines] if desk.out.json or sys.stdout.isatty() else lines
    for line in words:
        desk.out.aside(line)
