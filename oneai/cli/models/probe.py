"""Asks a model server what it serves: `GET /v1/models`, once, shortly."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from oneai.config import Settings
from oneai.core import question
from oneai.core.dialect import Unusable
from oneai.types import Model
from oneai.upstream.client import Upstream

TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was found at a model's server."""

    answers: bool
    served: tuple[str, ...] = ()
    context: int | None = None
    """Tokens, where the server says."""
    why: str = ""
    """What is wrong, or strange, in words that follow the server's name."""

    def __str__(self) -> str:
        if not self.answers:
            return f"Nothing usable answers there: {self.why}."
        names = ", ".join(self.served) or "no model's name"
        window = f", context window {self.context:,} tokens" if self.context else ""
        return f"Its server says that it serves {names}{window}." + (f" But {self.why}." if self.why else "")


async def ask(settings: Settings, model: Model) -> Probe:
    """Never raises for what the server does or fails to do."""
    asked = question.asking(model, question.MODELS, settings.secrets)
    try:
        async with Upstream() as upstream, asyncio.timeout(TIMEOUT_S):
            answer = await upstream.send(asked)
    except TimeoutError:
        return Probe(answers=False, why=f"no answer within {TIMEOUT_S:g} s")
    except Unusable as exc:
        return Probe(answers=False, why=exc.why)
    if answer.status in (401, 403):
        return Probe(answers=True, why=_credential_advice(settings, model, answer.status))
    if answer.status != 200:
        return Probe(answers=True, why=f"it answered {answer.status} to GET /v1/models, so its names are not known")
    return _read(answer.body)


def _credential_advice(settings: Settings, model: Model, status: int) -> str:
    if not model.credential_env:
        return f"it asks for a secret ({status}): name its variable with --credential-env"
    unset = "" if model.credential_env in settings.credentials else ", which is not set here"
    return f"it refused the secret of {model.credential_env}{unset} ({status})"


def _read(body: bytes) -> Probe:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Probe(answers=True, why="its GET /v1/models is not JSON: is this a model server?")
    data = document.get("data") if isinstance(document, dict) else None
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    served = tuple(entry["id"] for entry in entries if isinstance(entry.get("id"), str))
    return Probe(answers=True, served=served, context=_context(entries))


def _context(entries: list[dict[str, Any]]) -> int | None:
    lengths = [entry.get("max_model_len") for entry in entries]
    known = [length for length in lengths if isinstance(length, int)]
    return max(known) if known else None
