"""Ctrl-C and SIGTERM in the demo: they end it, but never between a process's start and our knowing of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Inside `with Signals() as signals:` both raise KeyboardInterrupt; inside `with signals.held():` they wait."""

    def __init__(self) -> None:
        self._holding = False
        self._came = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Signals":
        self._before = {number: signal.signal(number, self._come) for number in _NUMBERS}
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What comes meanwhile is raised at the end."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._came:
                self._came = False
                raise KeyboardInterrupt

    def pass_over(self) -> None:
        """From here on they do nothing: it is being ended already."""
        self._holding = True

    def _come(self, _number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self._came = True
            return
        raise KeyboardInterrupt
