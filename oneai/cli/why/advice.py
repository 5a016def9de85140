"""What each outcome means to an operator, and the commands that mend it: one table, and nothing but a table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from oneai.core.outcome import Outcome

MOST_MS = 280_000
"""A model's time-out that a client which waits 300 s, and the gateway's own 290 s, leave room for."""

Attempt = Mapping[str, Any]
"""An attempt as /admin/calls tells it; of a call's error only `model`, `error` and `latency_ms` are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What it means, and what to run, the likeliest first. `model` is empty where it is about the whole call."""

    model: str = ""
    outcome: str
    what: str
    commands: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    what: str
    commands: tuple[str, ...] = ()


_DIRECT = "oneai models test {model} --direct"
_SHOW = "oneai models show {model}"
_ENDPOINT = "oneai models set {model} --endpoint http://HOST:PORT"
_CREDENTIAL = "oneai models set {model} credential_env=MODEL_{MODEL}_API_KEY"
_WAIT = "have the client wait longer: header X-OneAI-Timeout-Ms, or oneai run --timeout SECONDS"
_LOG = "read the model server's own log"


def _misconfigured(attempt: Attempt) -> _Line:
    status = attempt.get("status")
    if status in (401, 402, 403, 407):
        what = f"Its server refused our credential ({status})."
        return _Line(what=what, commands=(_CREDENTIAL, "set that variable in master.env, and restart the gateway"))
    if status == 404:
        what = "Its server does not know the model by that name, or has nothing at that path (404)."
        return _Line(what=what, commands=(_DIRECT, "oneai models set {model} served_model=NAME", _ENDPOINT))
    what = f"Its endpoint is not the right one{f' ({status})' if status else ''}."
    return _Line(what=what, commands=(_SHOW, _ENDPOINT))


def _timeout(attempt: Attempt) -> _Line:
    if (attempt.get("latency_ms") or 0) >= MOST_MS:
        what = "It had nearly all the time that a call has, and did not answer: it hangs, or the input is too much."
        return _Line(what=what, commands=(_DIRECT, _LOG))
    what = "It did not answer within its timeout_ms."
    return _Line(what=what, commands=(f"oneai models set {{model}} timeout_ms={MOST_MS}", _DIRECT))


def _busy(attempt: Attempt) -> _Line:
    if attempt.get("tried") is False:
        what = "All of its places were taken, for as long as the call could wait."
        more = "oneai models set {model} max_in_flight=64"
        return _Line(what=what, commands=(more, "oneai models set {model} when_busy=next"))
    what = "Its server said that it has too much to do."
    fewer = "oneai models set {model} max_in_flight=4"
    return _Line(what=what, commands=(fewer, "oneai models set {model} when_busy=next"))


_TABLE: Mapping[str, _Line | Callable[[Attempt], _Line]] = {
    Outcome.UNREACHABLE: _Line(
        what="Nothing answers at its endpoint: is its server running, and is the address right?",
        commands=(_DIRECT, _ENDPOINT),
    ),
    Outcome.CONNECTION_LOST: _Line(
        what="Its server hung up before the answer was whole: it may have crashed or been restarted.",
        commands=(_DIRECT, _LOG),
    ),
    Outcome.PROTOCOL_ERROR: _Line(
        what="What answers there does not speak as a model server does: is the endpoint right?",
        commands=(_DIRECT, _ENDPOINT),
    ),
    Outcome.ABORT: _Line(what="Its server gave the answer up midway.", commands=(_DIRECT, _LOG)),
    Outcome.ERROR_EVENT: _Line(what="Its server ended the stream with an error.", commands=(_DIRECT, _LOG)),
    Outcome.UPSTREAM_ERROR: _Line(what="Its server failed at it.", commands=(_DIRECT, _LOG)),
    Outcome.TIMEOUT: _timeout,
    Outcome.CUT_SHORT: _Line(
        what="It was cut before its own time was up, so that the models behind it could still answer.",
        commands=(_WAIT, "oneai models fallback --show {model}"),
    ),
    Outcome.DEADLINE: _Line(
        what="The time of the whole call ran out.",
        commands=(_WAIT, "oneai models fallback --show {model}"),
    ),
    Outcome.BUSY: _busy,
    Outcome.MISCONFIGURED: _misconfigured,
    Outcome.INPUT_TOO_LARGE: _Line(
        what="The input is too large for it.",
        commands=("send a smaller image or a shorter text", "oneai models fallback {model} LARGER"),
    ),
    Outcome.UNSUPPORTED: _Line(
        what="Its server cannot do what was asked, such as reading an image.",
        commands=(_SHOW, "oneai models fallback {model} ANOTHER"),
    ),
    Outcome.REJECTED: _Line(
        what="Its server refused the request; its message says what in it.",
        commands=("change what the message names in the request", _DIRECT),
    ),
    Outcome.RUN_REJECTED: _Line(
        what="Its server refused the body that we wrote for it: a parameter, or more tokens than it can give.",
        commands=("take back the params that its message names", "oneai models set {model} max_tokens=2048"),
    ),
    Outcome.CONTEXT_LENGTH: _Line(
        what="The input is longer than its context window.",
        commands=("oneai models fallback {model} LARGER", "send less"),
    ),
    Outcome.QUALITY: _Line(
        what="It answered, and the answer failed the checks of the profile: empty, cut, or repeating itself.",
        commands=("oneai run FILE --model {model} --no-fallback", "oneai models fallback {model} ANOTHER"),
    ),
    Outcome.CLIENT_GONE: _Line(
        what="The client hung up before the answer was there.",
        commands=("raise the client's own time-out (in n8n: the node's Options, Timeout)",),
    ),
    Outcome.CIRCUIT_OPEN: _Line(
        what="Its circuit was open after earlier failures, so it was passed over.",
        commands=("oneai models health {model}", "oneai models health {model} --reset"),
    ),
    Outcome.FORBIDDEN: _Line(
        what="The key of this call may not call it, so it was passed over.",
        commands=("oneai models keys {model} --grant {key}",),
    ),
    "gateway_died": _Line(
        what="The gateway was killed while this ran.",
        commands=("look for the cause in its container's or system's log (memory, power)",),
    ),
}

CALLS: Mapping[str, str] = {
    "invalid_api_key": "oneai keys list",
    "revoked_api_key": "oneai keys create NAME",
    "expired_api_key": "oneai keys rotate NAME --expires 90d",
    "key_may_not_call_model": "oneai models keys {requested} --grant {key}",
    "model_not_found": "oneai models list --all",
    "model_inactive": "oneai models enable {requested}",
    "no_model_available": "oneai models health",
    "body_too_large": "send less, or raise ONEAI_MAX_BODY_MB in master.env and restart the gateway",
    "overloaded": "raise ONEAI_MAX_BODY_TOTAL_MB in master.env and restart the gateway",
    "image_url_refused": "send the image as base64, or add its host to ALLOW_IMAGE_URLS in master.env",
    "key_busy": "send fewer calls at a time with this key",
    "draining": "send it again: the gateway was shutting down",
}


def of_attempt(attempt: Attempt, key: str | None = None) -> Advice | None:
    """None where it went well. An outcome that is new here gets a look at the model."""
    outcome, model = str(attempt.get("outcome") or attempt.get("error") or "ok"), str(attempt.get("model") or "")
    if outcome == "ok":
        return None
    found = _TABLE.get(outcome, _Line(what="It failed.", commands=(_SHOW, _DIRECT)))
    line = found(attempt) if callable(found) else found
    names = {"model": model, "MODEL": model.upper(), "key": key or "NAME"}
    return Advice(
        model=model, outcome=outcome, what=line.what, commands=tuple(text.format(**names) for text in line.commands)
    )


def of_story(story: Mapping[str, Any]) -> list[Advice]:
    """That of each attempt that failed, in order; of a call refused before any attempt, that of its error."""
    attempts = story.get("attempts") or []
    found = [of_attempt(attempt, story.get("key")) for attempt in attempts]
    code = story.get("code")
    if attempts or code is None:
        return [advice for advice in found if advice]
    names = {"requested": story.get("requested") or "CODE", "key": story.get("key") or "NAME"}
    commands = (CALLS[code].format(**names),) if code in CALLS else ()
    return [Advice(outcome=code, what=str(story.get("error") or ""), commands=commands)]
