"""Which columns of `model_usage_log` a project lacks, learnt from its own refusals and forgotten again."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from oneai.errors import StoreLacks

FORGET_S = 300.0
"""How long what was learnt holds: a migration is noticed after this, without a restart."""

_Result = TypeVar("_Result")


class Gaps:
    """The columns that are known to be missing just now; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._missing: set[str] = set()
        self._until = 0.0

    def left(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns that are not known to be missing."""
        if self._clock() >= self._until:
            self._missing.clear()
        return [name for name in columns if name not in self._missing]

    async def around(self, columns: Iterable[str], ask: Callable[[list[str]], Awaitable[_Result]]) -> _Result:
        """What `ask` gives when asked for the columns that are there: it is asked again for each that turns out not
        to be. StoreLacks where it is a table that is missing, or a column that was not asked for."""
        wanted = list(columns)
        while True:
            asked = self.left(wanted)
            try:
                return await ask(asked)
            except StoreLacks as exc:
                if exc.facts.get("column") not in asked:
                    raise
                self._learn(exc.facts["column"])

    def _learn(self, column: str) -> None:
        if not self._missing:
            self._until = self._clock() + FORGET_S
        self._missing.add(column)
