"""What each outcome means to an operator, and the commands that mend it: one table, and nothing but a table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from oneai.cli.why import causes
from oneai.cli.why.causes import DIRECT, ENDPOINT, LOG, SHOW, WAIT, Attempt, Line
from oneai.core.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What it means, and what to run, the likeliest first. `model` is empty where it is about the whole call."""

    model: str = ""
    outcome: str
    what: str
    commands: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return asdict(self)


_TABLE: Mapping[str, Line | Callable[[Attempt], Line]] = {
    Outcome.UNREACHABLE: Line(
        what="Nothing answers at its endpoint: is its server running, and is the address right?",
        commands=(DIRECT, ENDPOINT),
    ),
    Outcome.CONNECTION_LOST: causes.connection_lost,
    Outcome.PROTOCOL_ERROR: Line(
        what="What answers there does not speak as a model server does: is the endpoint right?",
        commands=(DIRECT, ENDPOINT),
    ),
    Outcome.ABORT: causes.abort,
    Outcome.ERROR_EVENT: causes.error_event,
    Outcome.UPSTREAM_ERROR: Line(what="Its server failed at it.", commands=(DIRECT, LOG)),
    Outcome.TIMEOUT: causes.timeout,
    Outcome.CUT_SHORT: Line(
        what="It was cut before its own time was up, so that the models behind it could still answer.",
        commands=(WAIT, "oneai models fallback --show {model}"),
    ),
    Outcome.DEADLINE: causes.deadline,
    Outcome.BUSY: causes.busy,
    Outcome.MISCONFIGURED: causes.misconfigured,
    Outcome.NO_ROUTE: causes.no_route,
    Outcome.INPUT_TOO_LARGE: Line(
        what="The input is too large for it.",
        commands=("send a smaller image or a shorter text", "oneai models fallback {model} LARGER"),
    ),
    Outcome.UNSUPPORTED: Line(
        what="Its server cannot do what was asked, such as reading an image.",
        commands=(SHOW, "oneai models fallback {model} ANOTHER"),
    ),
    Outcome.REJECTED: Line(
        what="Its server refused the request; its message says what in it.",
        commands=("change what the message names in the request", DIRECT),
    ),
    Outcome.RUN_REJECTED: Line(
        what="Its server refused the body that we wrote for it: a parameter, or more tokens than it can give.",
        commands=("take back the params that its message names", "oneai models set {model} max_tokens=2048"),
    ),
    Outcome.CONTEXT_LENGTH: Line(
        what="The input is longer than its context window.",
        commands=("oneai models fallback {model} LARGER", "send less"),
    ),
    Outcome.QUALITY: Line(
        what="It answered, and the answer failed the checks of the profile: empty, cut, or repeating itself.",
        commands=("oneai run FILE --model {model} --no-fallback", "oneai models fallback {model} ANOTHER"),
    ),
    Outcome.CLIENT_GONE: causes.client_gone,
    Outcome.CLIENT_STALLED: Line(
        what="The client took nothing of the stream for 60 s, so it was cut: no fault of the model's.",
        commands=(
            "have the client read the stream as it comes",
            "have a proxy between pass it on as it comes (nginx: proxy_buffering off)",
        ),
    ),
    Outcome.CIRCUIT_OPEN: Line(
        what="Its circuit was open after earlier failures, so it was passed over.",
        commands=("oneai models health {model}", "oneai models health {model} --reset"),
    ),
    Outcome.FORBIDDEN: Line(
        what="The key of this call may not call it, so it was passed over.",
        commands=("oneai models keys {model} --grant {key}",),
    ),
    Outcome.GATEWAY_STOPPED: Line(
        what="The gateway was stopped while this ran, and the time that it leaves running calls was not enough.",
        commands=("raise ONEAI_DRAIN_S in master.env (and the stop time of the container)", "send it again"),
    ),
    "gateway_died": causes.gateway_died,
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
    found = _TABLE.get(outcome, Line(what="It failed.", commands=(SHOW, DIRECT)))
    line = found(attempt) if callable(found) else found
    names = {"model": model, "MODEL": model.upper(), "key": key or "NAME"}
    return Advice(
        model=model, outcome=outcome, what=line.what, commands=tuple(text.format(**names) for text in line.commands)
    )


def of_story(story: Mapping[str, Any]) -> list[Advice]:
    """That of each attempt that failed, in order; of a call refused before any attempt, that of its error."""
    attempts = [{"route": story.get("route"), **attempt} for attempt in story.get("attempts") or []]
    found = [of_attempt(attempt, story.get("key")) for attempt in attempts]
    code = story.get("code")
    if attempts or code is None:
        return [advice for advice in found if advice]
    names = {"requested": story.get("requested") or "CODE", "key": story.get("key") or "NAME"}
    commands = (CALLS[code].format(**names),) if code in CALLS else ()
    return [Advice(outcome=code, what=str(story.get("error") or ""), commands=commands)]
