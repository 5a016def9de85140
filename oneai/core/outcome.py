"""What an attempt came to, and what that means for its chain, its model's circuit and its client: one table.

How a model server's answer becomes an outcome is at the end; the texts it looks for are those that real servers send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from oneai.core.upstream_error import said
from oneai.types import Answer, Surface


class Outcome(StrEnum):
    """How an attempt ended."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_ERROR = "protocol_error"
    ABORT = "abort"
    ERROR_EVENT = "error_event"
    UPSTREAM_ERROR = "upstream_error"
    TIMEOUT = "timeout"
    CUT_SHORT = "cut_short"
    DEADLINE = "deadline"
    BUSY = "busy"
    MISCONFIGURED = "misconfigured"
    NO_ROUTE = "no_route"
    INPUT_TOO_LARGE = "input_too_large"
    UNSUPPORTED = "unsupported"
    REJECTED = "rejected"
    RUN_REJECTED = "run_rejected"
    CONTEXT_LENGTH = "context_length"
    QUALITY = "quality"
    CLIENT_GONE = "client_gone"
    CLIENT_STALLED = "client_stalled"
    GATEWAY_STOPPED = "gateway_stopped"
    CIRCUIT_OPEN = "circuit_open"
    FORBIDDEN = "forbidden"


class Verdict(StrEnum):
    """What an outcome tells the model's circuit."""

    SUCCESS = "success"
    ALIVE = "alive"
    """It answered, and the caller was at fault: as good as a success."""
    ANSWERED = "answered"
    """It answered: closes a half-open circuit, and counts neither way in a closed one."""
    FAILURE = "failure"
    CONNECT_FAILURE = "connect_failure"
    NONE = "none"
    """Nothing was learnt: a lease is given back."""


class Next(StrEnum):
    """Whether the chain goes on."""

    YES = "yes"
    NO = "no"
    WIDER = "wider"
    """Only to a model whose context window is known to be larger."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `status` is the client's if the attempt is the last; None is the model server's own."""

    next: Next
    verdict: Verdict
    status: int | None


TABLE: Mapping[str, Rule] = {
    Outcome.OK: Rule(Next.NO, Verdict.SUCCESS, 200),
    Outcome.UNREACHABLE: Rule(Next.YES, Verdict.CONNECT_FAILURE, 502),
    Outcome.CONNECTION_LOST: Rule(Next.YES, Verdict.FAILURE, 502),
    Outcome.PROTOCOL_ERROR: Rule(Next.YES, Verdict.FAILURE, 502),
    Outcome.ABORT: Rule(Next.YES, Verdict.FAILURE, 502),
    Outcome.ERROR_EVENT: Rule(Next.YES, Verdict.FAILURE, 502),
    Outcome.UPSTREAM_ERROR: Rule(Next.YES, Verdict.FAILURE, 502),
    Outcome.TIMEOUT: Rule(Next.YES, Verdict.FAILURE, 504),
    # Cut for a later model's sake before its own time was up: too early to call the model dead.
    Outcome.CUT_SHORT: Rule(Next.YES, Verdict.NONE, 504),
    Outcome.DEADLINE: Rule(Next.NO, Verdict.NONE, 504),
    Outcome.BUSY: Rule(Next.YES, Verdict.ANSWERED, 429),
    Outcome.MISCONFIGURED: Rule(Next.YES, Verdict.ANSWERED, 502),
    Outcome.NO_ROUTE: Rule(Next.YES, Verdict.ANSWERED, 502),
    Outcome.INPUT_TOO_LARGE: Rule(Next.YES, Verdict.ANSWERED, 413),
    Outcome.UNSUPPORTED: Rule(Next.YES, Verdict.ANSWERED, 502),
    Outcome.REJECTED: Rule(Next.NO, Verdict.ALIVE, None),
    Outcome.RUN_REJECTED: Rule(Next.YES, Verdict.ANSWERED, None),
    Outcome.CONTEXT_LENGTH: Rule(Next.WIDER, Verdict.ALIVE, None),
    Outcome.QUALITY: Rule(Next.YES, Verdict.ANSWERED, 502),
    Outcome.CLIENT_GONE: Rule(Next.NO, Verdict.NONE, 499),
    Outcome.CLIENT_STALLED: Rule(Next.NO, Verdict.NONE, 499),
    Outcome.GATEWAY_STOPPED: Rule(Next.NO, Verdict.NONE, 503),
    Outcome.CIRCUIT_OPEN: Rule(Next.YES, Verdict.NONE, 503),
    Outcome.FORBIDDEN: Rule(Next.YES, Verdict.NONE, 403),
}

RETRY_AFTER_MAX_S = 120.0
_OUR_FAULT = frozenset({401, 402, 403, 404, 405, 407})
_WE_WROTE_THE_BODY = frozenset({Surface.RUN, Surface.OCR})
# vLLM "currently busy", SGLang "request queue is full", Ollama "maximum pending requests", TEI "overloaded".
_QUEUE_FULL = re.compile(r"busy|queue (is )?full|queue is at|pending requests|overloaded|too many|at capacity", re.I)
# vLLM fetches image URLs itself and answers 500 when it cannot; llama.cpp answers 500 to an image for a text model,
# and older ones to a prompt beyond their context.
_CALLERS_500 = re.compile(
    r"image input is not supported|not a multimodal|Cannot connect to host|file://|allowed-local-media-path"
    r"|exceeds limit of \d+ pixels|decompression bomb|cannot identify image|failed to (load|process) image"
    r"|exceed_context_size|exceeds the available context",
    re.I,
)
_CONTEXT_LENGTH = re.compile(
    r"context (length|size|window)|maximum context|exceed_context_size|max_model_len|prompt is too long"
    r"|too many (input )?tokens|input_tokens|must have less than \d+ tokens",
    re.I,
)
# vLLM before it left routes out by the kind of its model; llama.cpp without --embeddings or --reranking.
_NO_SUCH_API = re.compile(
    r"does not support (the )?(chat |embeddings?|completions?|rerank\w*|scor\w*|responses?|messages)"
    r"|not_supported_error",
    re.I,
)
_WRONG_NAME = re.compile(r"model\b.*(does not exist|not found)|not found.*\bmodel|NotFoundError", re.I | re.S)


def of_answer(answer: Answer, surface: Surface) -> Outcome:
    """The outcome of a whole HTTP answer by its status and, where a status has two meanings, its text."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome.OK
    if status == 429 or (status == 503 and _QUEUE_FULL.search(_text(answer))):
        return Outcome.BUSY
    if surface not in _WE_WROTE_THE_BODY and _is_absent(answer):
        return Outcome.NO_ROUTE
    if status in _OUR_FAULT or 300 <= status < 400:
        return Outcome.MISCONFIGURED
    if status == 413:
        return Outcome.INPUT_TOO_LARGE
    if status in (424, 499, 501) or (status == 500 and _CALLERS_500.search(_text(answer))):
        return Outcome.UNSUPPORTED
    if 400 <= status < 500 and status != 408:
        return _rejection(answer, surface)
    return Outcome.UPSTREAM_ERROR


def names_wrong_model(answer: Answer) -> bool:
    """Whether a 404 means that the server goes by another model name, and not that the route is absent."""
    return answer.status == 404 and bool(_WRONG_NAME.search(_text(answer)))


def _is_absent(answer: Answer) -> bool:
    """Whether the server has nothing at this path: routes are there or not by the kind of its model."""
    if answer.status in (404, 405):
        return not names_wrong_model(answer)
    return answer.status in (400, 501) and bool(_NO_SUCH_API.search(_text(answer)))


def retry_after_s(answer: Answer) -> float | None:
    """The seconds that a model server asks to be left alone, None where it does not say (a date is not read)."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = answer.headers.get(name, "")
        if value.replace(".", "", 1).isdecimal():
            return min(float(value) / divisor, RETRY_AFTER_MAX_S)
    return None


def _rejection(answer: Answer, surface: Surface) -> Outcome:
    if surface in _WE_WROTE_THE_BODY:
        return Outcome.RUN_REJECTED
    return Outcome.CONTEXT_LENGTH if _CONTEXT_LENGTH.search(_text(answer)) else Outcome.REJECTED


def _text(answer: Answer) -> str:
    error = said(answer)
    return f"{error.type or ''} {error.code or ''} {error.param or ''} {error.message}"
