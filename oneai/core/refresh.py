"""The guard of a refresh: a store that suddenly shows far less is not believed at once.

A wrong key under row-level security answers 200 with no rows, and a lost row of a revoked key would let it in again.
"""

from collections.abc import Set
from dataclasses import dataclass, replace

from oneai.core.registry import Registry

_MORE = 2
_OVER_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the fresh registry takes the current one's place, and why it does not, or does all the same."""

    accepted: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubted:
    models: frozenset[str]
    keys: frozenset[str]
    since: float
    seen: int = 1


class Gatekeeper:
    """Judges each refresh that could be read; remembers the last one that it doubted."""

    def __init__(self) -> None:
        self._doubted: _Doubted | None = None

    def agree(self) -> None:
        """The store shows what is in force: whatever was doubted before did not last."""
        self._doubted = None

    def judge(self, current: Registry, fresh: Registry, now: float, force: bool = False) -> Verdict:
        """`now` in seconds, of a clock that never goes back. Keys of the environment are not counted."""
        loss = _loss("models", current.models.keys(), fresh.models.keys()) or _loss(
            "keys", current.stored_keys, fresh.stored_keys
        )
        if loss is None or force:
            self.agree()
            return Verdict(accepted=True, why=f"{loss}: forced" if loss else "")
        doubted = self._doubted = _counted(self._doubted, fresh, now)
        if doubted.seen <= _MORE or now - doubted.since < _OVER_S:
            return Verdict(accepted=False, why=f"{loss}: kept, until {_MORE} more agree over {_OVER_S:g} s or by force")
        self._doubted = None
        return Verdict(accepted=True, why=f"{loss}: {doubted.seen} agreed over {now - doubted.since:.0f} s")


def _loss(what: str, current: Set[str], fresh: Set[str]) -> str | None:
    """What is lost, where that is all or over half of what was there."""
    lost = len(current - fresh)
    if 2 * lost <= len(current):
        return None
    return f"{lost} of {len(current)} {what} are gone"


def _counted(doubted: _Doubted | None, fresh: Registry, now: float) -> _Doubted:
    models = frozenset(fresh.models)
    if doubted and (doubted.models, doubted.keys) == (models, fresh.stored_keys):
        return replace(doubted, seen=doubted.seen + 1)
    return _Doubted(models=models, keys=fresh.stored_keys, since=now)
