"""The words for each route of the table, with a request that works and what comes back."""

from oneai import __version__
from oneai.errors import (
    BadImage,
    Draining,
    ImageUrlRefused,
    MissingField,
    StoreAway,
    StoreLacks,
    StoreRefused,
    UnknownCall,
    UnknownModel,
    UnknownProfile,
    UnknownTask,
    WrongDomain,
)
from oneai.gateway.openapi import answers, fields
from oneai.gateway.openapi.doc import Answered, Doc, Sent, Tag
from oneai.gateway.run_body import RunBody

_STORE = (StoreAway, StoreRefused, StoreLacks)
_ENTRY = {
    "code": "op1",
    "name": "DeepSeek-OCR",
    "description": "DeepSeek OCR - Primary",
    "domain": "ocr",
    "role": "primary",
    "provider": "deepseek",
    "active": True,
    "fallback": "op2",
    "status": "healthy",
    "circuit": "closed",
    "avg_latency_ms": 1840,
    "p50_latency_ms": 1702,
    "p95_latency_ms": 3120,
    "in_flight": 0,
}

HEALTH = Doc(
    tag=Tag.HEALTH,
    answered=Answered(
        says="How it is; `troubles` says what is wrong.",
        type=answers.Health,
        example={
            "status": "healthy",
            "version": __version__,
            "uptime_seconds": 3600,
            "models_registered": 5,
            "routes_registered": 2,
            "store": {"kind": "sqlite", "up": True},
            "journal": {"rows": 0, "dropped": 0, "refused": 0, "unreadable": 0, "degraded": False},
            "config_version": "5b0c7d1e",
            "registry_age_seconds": 2.1,
            "troubles": [],
        },
    ),
)
LIVE = Doc(tag=Tag.HEALTH, answered=Answered(says="It answers.", type=answers.Live, example={"status": "live"}))
READY = Doc(
    tag=Tag.HEALTH,
    answered=Answered(says="It may be sent calls.", type=answers.Ready, example={"status": "ready"}),
    faults=(Draining,),
)
MODELS = Doc(
    tag=Tag.MODELS,
    parameters=(fields.ALL_MODELS,),
    answered=Answered(
        says="The models, with how each is doing.", type=answers.ModelEntries, example={"models": [_ENTRY]}
    ),
)
MODEL = Doc(
    tag=Tag.MODELS,
    parameters=(fields.MODEL_CODE,),
    answered=Answered(says="The model, with how it is doing.", type=answers.ModelEntry, example=_ENTRY),
    faults=(UnknownModel,),
)
RUN = Doc(
    tag=Tag.RUN,
    summary="One call in our own words: a page to read, a question, texts to embed, documents to rank.",
    says=(
        "Name a `task`, and its chain starts at the first active model; name a `model`, and it starts there. Which"
        " fields `input` needs depends on the task: `image` for ocr; `text` or `messages` for llm, vision and tools;"
        " `texts` for embed; `query` and `documents` for rerank. Unknown fields are refused, so that a misspelt one"
        " is not passed over in silence."
    ),
    sent=Sent(
        type=RunBody,
        example={"task": "llm", "input": {"messages": [{"role": "user", "content": "Hello!"}]}},
    ),
    answered=Answered(
        says="The answer, whole.",
        type=answers.RunAnswer,
        example={
            "id": "run_0193a5c27f1e",
            "task": "llm",
            "profile": "default",
            "model": "lp2",
            "requested": None,
            "provider": "meta",
            "output": {"text": "Hello! How can I help?", "finish_reason": "stop"},
            "usage": {"tokens_in": 12, "tokens_out": 8, "cost_usd": 0.0},
            "latency_ms": 1840,
            "attempts": [
                {"model": "lp1", "error": "timeout", "latency_ms": 1200},
                {"model": "lp2", "latency_ms": 640},
            ],
        },
        events=(
            'event: delta\ndata: {"text":"Hello"}\n\n'
            'event: done\ndata: {"id":"run_0193a5c27f1e","task":"llm","model":"lp2","output":{"text":"Hello"}}\n\n'
        ),
    ),
    faults=(MissingField, UnknownTask, UnknownProfile, WrongDomain, BadImage, ImageUrlRefused),
)
RELOAD = Doc(
    tag=Tag.ADMIN,
    sent=Sent(type=answers.ReloadOrder, example={"force": True}, required=False),
    answered=Answered(
        says="Whether what the store holds is in force now.",
        type=answers.Reloaded,
        example={
            "reloaded": True,
            "why": "",
            "models": 5,
            "keys": 3,
            "config_version": "5b0c7d1e",
            "warnings": [],
        },
    ),
    faults=_STORE,
)
RESET = Doc(
    tag=Tag.ADMIN,
    parameters=(fields.MODEL_CODE,),
    answered=Answered(
        says="It is closed.", type=answers.WasReset, example={"code": "op1", "circuit": "closed", "was": "open"}
    ),
    faults=(UnknownModel,),
)
STORY = Doc(
    tag=Tag.ADMIN,
    parameters=(fields.CALL_ID,),
    answered=Answered(
        says="The call's story.",
        type=answers.Story,
        example={
            "id": "run_0193a5c27f1e",
            "request_id": "invoice-17",
            "at": "2026-03-01T12:00:00.000000+00:00",
            "status": 200,
            "route": "/v1/run",
            "key": "n8n",
            "task": "ocr",
            "requested": "op1",
            "error": None,
            "code": None,
            "attempts": [
                {
                    "model": "op1",
                    "provider": "deepseek",
                    "outcome": "ok",
                    "tried": True,
                    "message": None,
                    "status": 200,
                    "latency_ms": 1840,
                    "ttft_ms": None,
                    "circuit": "closed",
                    "at": "2026-03-01T12:00:00.000000+00:00",
                    "tokens_in": 1203,
                    "tokens_out": 412,
                }
            ],
        },
    ),
    faults=(UnknownCall, *_STORE),
)
STATE = Doc(
    tag=Tag.ADMIN,
    answered=Answered(says="Warnings, the journal, and each model.", type=answers.GatewayState),
)
METRICS = Doc(
    tag=Tag.ADMIN,
    summary="The counters, as Prometheus reads them.",
    says="Needs no key where the operator set `METRICS_PUBLIC=true`.",
    answered=Answered(says="Text format 0.0.4.", media="text/plain"),
)
DOCUMENT = Doc(
    tag=Tag.ABOUT,
    parameters=(fields.KNOWN_TAG,),
    answered=Answered(says="This document.", type=dict[str, object], has_tag=True),
)
PAGE = Doc(
    tag=Tag.ABOUT,
    parameters=(fields.KNOWN_TAG,),
    answered=Answered(says="The page, whole: it asks for nothing else.", media="text/html", has_tag=True),
)
