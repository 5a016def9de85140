"""The names that model servers go by: asked of `/v1/models`, off a call's way, and remembered."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from oneai.core import question
from oneai.core.dialect import Unusable
from oneai.core.seams import Send
from oneai.logs import Log
from oneai.types import Answer, Model

ASK_S = 2.0
AGAIN_S = 600.0
AGAIN_AFTER_FAILURE_S = 30.0
_AT_ONCE = 64

_log = Log("names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a server said of itself; `trouble` where its answer leaves the name open."""

    endpoint: str
    at: float
    name: str | None = None
    window: int | None = None
    """Its context window, in tokens."""
    trouble: str | None = None


class ServedNames:
    """What each model's server calls it. `meta.served_model` wins; where nothing is known, `model` is left out."""

    def __init__(self, send: Send, credentials: Mapping[str, str], *, monotonic: Callable[[], float]) -> None:
        self._send = send
        self._credentials = credentials
        self._monotonic = monotonic
        self._known: dict[str, str] = {}
        self._learnt: dict[str, Learnt] = {}

    def recall(self, known: Mapping[str, str]) -> None:
        """Names by model code, from the snapshot: good until the servers are asked."""
        self._known = dict(known)

    def of(self, model: Model) -> str | None:
        if model.served_model:
            return model.served_model
        learnt = self._learnt.get(model.code)
        if learnt and learnt.endpoint == model.endpoint:
            return learnt.name
        return self._known.get(model.code)

    def window(self, model: Model) -> int | None:
        """The context window that its server names, in tokens."""
        learnt = self._learnt.get(model.code)
        return learnt.window if learnt and learnt.endpoint == model.endpoint else None

    def known(self) -> dict[str, str]:
        """By model code, for the snapshot."""
        return self._known | {code: learnt.name for code, learnt in self._learnt.items() if learnt.name}

    def learnt(self, code: str) -> Learnt | None:
        return self._learnt.get(code)

    async def ask_again(self, model: Model) -> None:
        """Forget the name and ask the server now."""
        self._known.pop(model.code, None)
        self._learnt.pop(model.code, None)
        await self._ask(model)

    async def learn(self, models: Iterable[Model]) -> None:
        """Ask the servers of the active models that are due, a few at a time."""
        now, gate = self._monotonic(), asyncio.Semaphore(_AT_ONCE)

        async def ask(model: Model) -> None:
            async with gate:
                await self._ask(model)

        await asyncio.gather(*(ask(model) for model in models if model.active and self._is_due(model, now)))

    def _is_due(self, model: Model, now: float) -> bool:
        learnt = self._learnt.get(model.code)
        if learnt is None or learnt.endpoint != model.endpoint:
            return True
        return now - learnt.at >= (AGAIN_S if learnt.name else AGAIN_AFTER_FAILURE_S)

    async def _ask(self, model: Model) -> None:
        answer = await self._answer(model)
        if answer is not None and answer.status == 200:
            name, window, trouble = _read(answer.body, model)
        else:  # a server that loads, or refuses us, has not changed its name
            name, window, trouble = self._before(model)
        self._known.pop(model.code, None)
        before = self._learnt.get(model.code)
        self._learnt[model.code] = Learnt(
            endpoint=model.endpoint, at=self._monotonic(), name=name, window=window, trouble=trouble
        )
        if trouble and (before is None or before.trouble != trouble):
            _log.warning("served_name_unclear", model=model.code, trouble=trouble)

    async def _answer(self, model: Model) -> Answer | None:
        try:
            async with asyncio.timeout(ASK_S):
                return await self._send(question.asking(model, question.MODELS, self._credentials))
        except (Unusable, TimeoutError):
            return None

    def _before(self, model: Model) -> tuple[str | None, int | None, str | None]:
        learnt = self._learnt.get(model.code)
        if learnt is None or learnt.endpoint != model.endpoint:
            return self._known.get(model.code), None, None
        return learnt.name, learnt.window, learnt.trouble


def _read(body: bytes, model: Model) -> tuple[str | None, int | None, str | None]:
    """Name, window and trouble: one id is it; of several, the one equal to the model's name, or all of one root."""
    entries = _entries(body)
    ids = [str(entry["id"]) for entry in entries]
    if not ids:
        return None, None, None
    roots = {entry.get("root") for entry in entries}
    if model.name in ids:
        chosen = ids.index(model.name)
    elif len(ids) == 1 or (len(roots) == 1 and None not in roots):
        chosen = 0
    else:
        shown = ", ".join(ids[:8])
        return None, None, f"its server has {len(ids)} models ({shown}): `oneai models set {model.code} served_model=…`"
    window = entries[chosen].get("max_model_len")
    return ids[chosen], window if isinstance(window, int) else None, None


def _entries(body: bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return []
    return [entry for entry in data if isinstance(entry, dict) and entry.get("id")] if isinstance(data, list) else []
