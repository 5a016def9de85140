"""One small call to a model, by its domain: through `/v1/run`, or as a request of our own to its server."""

import asyncio
import time
from base64 import b64encode
from dataclasses import asdict, dataclass
from typing import Any

from oneai import ids, profiles
from oneai.cli.frame import Desk
from oneai.cli.models import probe
from oneai.cli.models.inventory import Inventory
from oneai.core import endpoint, images, keys
from oneai.core.dialect import Unusable
from oneai.core.run_dialect import RunDialect
from oneai.errors import BadField, Refused
from oneai.types import Ask, Call, Domain, Image, Model, Request, Surface
from oneai.upstream.client import Upstream

SHOWN = 200
"""Characters of an answer."""
_ANSWERS = ("text", "tool_calls", "embeddings", "results")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of asking one model; `latency_ms` as we waited."""

    code: str
    via: str
    ok: bool
    latency_ms: int
    said: str
    status: int | None = None
    away: bool = False
    exit_code: int = 0
    advice: str = ""

    @property
    def word(self) -> str:
        return (
            "ok" if self.ok else "unreachable" if self.away else f"failed ({self.status})" if self.status else "failed"
        )

    def document(self) -> dict[str, Any]:
        return {name: found for name, found in asdict(self).items() if name != "exit_code"}


async def gateway(desk: Desk, model: Model | str, text: str | None, page: bytes | None) -> Told:
    """The call's real way. Raises GatewayAway: then no model can be judged at all."""
    code = model if isinstance(model, str) else model.code
    asked = _input(model.domain if isinstance(model, Model) else Domain.LLM, text, page)
    body = {"model": code, "input": asked, "fallback": False}
    started = time.monotonic()
    try:
        async with desk.gateway() as way:
            ran = await way.run(body, headers={"X-OneAI-Fallback": "off"})
    except Refused as exc:
        advice = f"Is it the model or the gateway? oneai models test {code} --direct"
        return Told(
            code=code, via="gateway", ok=False, latency_ms=_since(started), said=exc.facts["said"],
            status=exc.status, exit_code=exc.exit_code, advice=advice if exc.status >= 500 else "",
        )  # fmt: skip
    output = ran.document.get("output")
    said = _said(output if isinstance(output, dict) else {})
    return Told(code=code, via="gateway", ok=True, latency_ms=_since(started), said=said, status=200)


async def direct(desk: Desk, known: Inventory, model: Model | str, text: str | None, page: bytes | None) -> Told:
    """Past the gateway, straight to the endpoint. Raises UnknownModel for one that is not in our store."""
    model = model if isinstance(model, Model) else known.model(model)
    request = await _request(desk, model, text, page)
    started = time.monotonic()
    try:
        async with Upstream() as upstream, asyncio.timeout(model.timeout_ms / 1000):
            answer = await upstream.send(request)
    except TimeoutError:
        why = f"no answer within {model.timeout_ms / 1000:g} s"
        return _away(model, started, f"{request.url}: {why}", away=False)
    except Unusable as exc:
        return _away(model, started, f"{request.url}: {exc.why}", away=exc.outcome == "unreachable")
    said = " ".join(answer.body.decode(errors="replace").split())[:SHOWN]
    ok = 200 <= answer.status < 300
    return Told(code=model.code, via=request.url, ok=ok, latency_ms=_since(started), said=said, status=answer.status)


def _away(model: Model, started: float, said: str, *, away: bool) -> Told:
    node = endpoint.node_of(model.endpoint)
    advice = f"Nothing answers there: is the model's server running on {node}?" if away else ""
    return Told(
        code=model.code, via="direct", ok=False, latency_ms=_since(started), said=said, away=away, advice=advice
    )


async def _request(desk: Desk, model: Model, text: str | None, page: bytes | None) -> Request:
    """What the gateway would send, with the default profile."""
    call = Call(
        id=ids.call_id(),
        request_id="test",
        surface=Surface.RUN,
        task=model.domain,
        key=keys.nobody(),
        ask=_ask(_input(model.domain, text, page)),
    )
    found = await probe.ask(desk.settings, model)
    served = model.served_model or (found.served[0] if len(found.served) == 1 else None)
    return RunDialect(profiles.load(), desk.settings.secrets).prepare(call, model, served)


def _input(domain: Domain, text: str | None, page: bytes | None) -> dict[str, Any]:
    """The `input` of a run that any model of this domain can answer."""
    if page is not None and domain not in (Domain.OCR, Domain.VISION):
        raise BadField(field="--image", found=f"a model of domain {domain}", accepted="one of ocr or vision")
    if domain is Domain.EMBED:
        return {"texts": [text or "test"]}
    if domain is Domain.RERANK:
        return {"query": text or "test", "documents": ["a test", "something else"]}
    if page is None:
        return {"text": text or "test"}
    return {"image": b64encode(page).decode()} | ({"text": text} if text else {})


def _ask(given: dict[str, Any]) -> Ask:
    page: tuple[Image, ...] = (images.inspect("--image", given["image"]),) if "image" in given else ()
    return Ask(
        images=page,
        text=given.get("text"),
        texts=tuple(given.get("texts", ())),
        query=given.get("query"),
        documents=tuple(given.get("documents", ())),
    )


def _said(output: dict[str, Any]) -> str:
    found = next((output[name] for name in _ANSWERS if output.get(name)), "")
    return (found if isinstance(found, str) else str(found))[:SHOWN]


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
