"""What lies behind an outcome that has more than one cause, by what else is known of the attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneai.core.endpoint import SUFFIXES

MOST_MS = 280_000
"""A model's time-out that a client which waits 300 s, and the gateway's own 290 s, leave room for."""

Attempt = Mapping[str, Any]
"""An attempt as /admin/calls tells it; of a call's error only `model`, `error` and `latency_ms` are known.

One with a `ttft_ms` is a stream's, whose content had begun; `begun` says so where the time is not known. `route` is
the call's.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What happened, and commands with `{model}`, `{MODEL}` and `{key}` for their names."""

    what: str
    commands: tuple[str, ...] = ()


DIRECT = "oneai models test {model} --direct"
SHOW = "oneai models show {model}"
ENDPOINT = "oneai models set {model} --endpoint http://HOST:PORT"
CREDENTIAL = "oneai models set {model} credential_env=MODEL_{MODEL}_API_KEY"
WAIT = "have the client wait longer: header X-OneAI-Timeout-Ms, or oneai run --timeout SECONDS"
LOG = "read the model server's own log"
DIED = "look for the cause in its container's or system's log (memory, power)"
PATIENCE = "raise the client's own time-out (in n8n: the node's Options, Timeout)"


def misconfigured(attempt: Attempt) -> Line:
    status = attempt.get("status")
    if status in (401, 402, 403, 407):
        what = f"Its server refused our credential ({status})."
        return Line(what=what, commands=(CREDENTIAL, "set that variable in master.env, and restart the gateway"))
    if status == 404:
        what = "Its server does not know the model by that name, or has nothing at that path (404)."
        return Line(what=what, commands=(DIRECT, "oneai models set {model} served_model=NAME", ENDPOINT))
    what = f"Its endpoint is not the right one{f' ({status})' if status else ''}."
    return Line(what=what, commands=(SHOW, ENDPOINT))


def no_route(attempt: Attempt) -> Line:
    route = str(attempt.get("route") or "")
    surface = next((surface.value for surface, suffix in SUFFIXES.items() if suffix in route), "SURFACE")
    what = f"Its server has nothing at {route or 'the path that was asked'}, and we translate no surface into another."
    elsewhere = f'oneai models set {{model}} \'meta.paths={{{{"{surface}": "/PATH"}}}}\''
    another = "oneai models fallback {model} ANOTHER"
    if attempt.get("tried") is False:
        what += " That was seen a moment ago, and is believed for 10 minutes."
        return Line(what=what, commands=(another, elsewhere, "oneai models health {model} --reset"))
    return Line(what=what, commands=(another, elsewhere))


def connection_lost(attempt: Attempt) -> Line:
    when = "in the middle of its answer" if _had_begun(attempt) else "before the answer was whole"
    what = f"Its server hung up {when}: it may have crashed or been restarted."
    return Line(what=what + _too_late(attempt), commands=(DIRECT, LOG))


def abort(attempt: Attempt) -> Line:
    return Line(what="Its server gave the answer up midway." + _too_late(attempt), commands=(DIRECT, LOG))


def error_event(attempt: Attempt) -> Line:
    return Line(what="Its server ended the stream with an error." + _too_late(attempt), commands=(DIRECT, LOG))


def timeout(attempt: Attempt) -> Line:
    if _had_begun(attempt):
        what = "It fell silent in the middle of its answer, for longer than its idle_ms." + _too_late(attempt)
        return Line(what=what, commands=(DIRECT, LOG, "oneai models set {model} idle_ms=180000"))
    if (attempt.get("latency_ms") or 0) >= MOST_MS:
        what = "It had nearly all the time that a call has, and did not answer: it hangs, or the input is too much."
        return Line(what=what, commands=(DIRECT, LOG))
    what = "It did not answer within its timeout_ms."
    return Line(what=what, commands=(f"oneai models set {{model}} timeout_ms={MOST_MS}", DIRECT))


def deadline(attempt: Attempt) -> Line:
    if _had_begun(attempt):
        what = "Its answer was not done within ONEAI_STREAM_MAX_S, so it was cut."
        longer = "raise ONEAI_STREAM_MAX_S in master.env, and restart the gateway"
        return Line(what=what, commands=("have the client ask for fewer tokens (max_tokens)", longer))
    what = "The time of the whole call ran out."
    return Line(what=what, commands=(WAIT, "oneai models fallback --show {model}"))


def client_gone(attempt: Attempt) -> Line:
    if _had_begun(attempt):
        what = "The client hung up in the middle of the stream, and its server was freed: nothing is wrong, if it had"
        return Line(what=f"{what} read enough.", commands=(f"else {PATIENCE}, or that of a proxy between",))
    return Line(what="The client hung up before the answer was there.", commands=(PATIENCE,))


def gateway_died(attempt: Attempt) -> Line:
    if _had_begun(attempt):
        what = "The gateway was killed while this streamed: the client has the beginning of it, and no error."
        return Line(what=what, commands=(DIED, "send it again"))
    return Line(what="The gateway was killed while this ran.", commands=(DIED,))


def busy(attempt: Attempt) -> Line:
    if attempt.get("tried") is False:
        what = "All of its places were taken, for as long as the call could wait."
        more = "oneai models set {model} max_in_flight=64"
        return Line(what=what, commands=(more, "oneai models set {model} when_busy=next"))
    what = "Its server said that it has too much to do."
    fewer = "oneai models set {model} max_in_flight=4"
    return Line(what=what, commands=(fewer, "oneai models set {model} when_busy=next"))


def _had_begun(attempt: Attempt) -> bool:
    return attempt.get("ttft_ms") is not None or bool(attempt.get("begun"))


def _too_late(attempt: Attempt) -> str:
    return " No other model can take over by then." if _had_begun(attempt) else ""
