"""The words for the pass-through surfaces: what the OpenAI, Anthropic, Cohere and Jina clients speak."""

from dataclasses import replace
from typing import Any

from oneai import __version__
from oneai.errors import MissingField, NoRoute, UnknownModel
from oneai.gateway.openapi import answers, fields, relayed
from oneai.gateway.openapi.doc import Answered, Doc, Parameter, Sent, Tag

_HELLO = [{"role": "user", "content": "Hello!"}]
_RELAYED = "The model server's own answer; only `model` is changed, to the code that answered."
_FAULTS = (MissingField, NoRoute)


def _openai(summary: str, body: Any, example: dict[str, Any], answer: Any, shown: Any, events: str | None) -> Doc:
    return Doc(
        tag=Tag.OPENAI,
        summary=summary,
        says=(
            "`model` is a code, a task's word or an alias, and its chain is tried as any other. Unknown fields and"
            " query strings go to the model server untouched."
        ),
        sent=Sent(type=body, example=example),
        answered=Answered(says=_RELAYED, type=answer, example=shown, events=events),
        faults=_FAULTS,
    )


CHAT = _openai(
    "A chat completion, whole or streamed.",
    relayed.ChatBody,
    {"model": "llm", "messages": _HELLO},
    relayed.Chat,
    {
        "id": "chatcmpl-7f3a",
        "object": "chat.completion",
        "model": "lp1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    },
    'data: {"id":"chatcmpl-7f3a","object":"chat.completion.chunk","model":"lp1",'
    '"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
    "data: [DONE]\n\n",
)
COMPLETIONS = _openai(
    "A completion in OpenAI's older form, whole or streamed.",
    relayed.CompletionBody,
    {"model": "llm", "prompt": "Once upon a time"},
    relayed.Completion,
    {
        "id": "cmpl-7f3a",
        "object": "text_completion",
        "model": "lp1",
        "choices": [{"index": 0, "text": " there was a gateway.", "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9},
    },
    'data: {"id":"cmpl-7f3a","object":"text_completion","model":"lp1","choices":[{"index":0,"text":" there"}]}\n\n'
    "data: [DONE]\n\n",
)
EMBEDDINGS = _openai(
    "Texts as vectors.",
    relayed.EmbeddingBody,
    {"model": "embed", "input": ["a page", "another page"]},
    relayed.Embeddings,
    {
        "object": "list",
        "model": "ep1",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]},
            {"object": "embedding", "index": 1, "embedding": [0.75, 0.125]},
        ],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    },
    None,
)
RESPONSES = _openai(
    "A response in OpenAI's newer form, whole or streamed.",
    relayed.ResponseBody,
    {"model": "llm", "input": "Hello!"},
    relayed.Response,
    {
        "id": "resp_7f3a",
        "object": "response",
        "model": "lp1",
        "status": "completed",
        "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello there."}]}
        ],
        "usage": {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15},
    },
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hello"}\n\n'
    'event: response.completed\ndata: {"type":"response.completed","response":{"model":"lp1"}}\n\n',
)
_BETA = Parameter(
    name="beta", place="query", says="Goes on to the model server.", schema={"type": "string"}, example="true"
)
MESSAGES = Doc(
    tag=Tag.ANTHROPIC,
    summary="A message in Anthropic's form, whole or streamed.",
    says=(
        "For Anthropic's SDKs and Claude Code: the base URL is this gateway's, without `/v1`. Answered by model servers"
        " that speak it themselves; nothing is translated."
    ),
    parameters=(_BETA, *fields.ANTHROPIC),
    sent=Sent(type=relayed.MessageBody, example={"model": "llm", "max_tokens": 256, "messages": _HELLO}),
    answered=Answered(
        says=_RELAYED,
        type=relayed.Message,
        example={
            "id": "msg_7f3a",
            "type": "message",
            "role": "assistant",
            "model": "lp1",
            "content": [{"type": "text", "text": "Hello there."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 12, "output_tokens": 3},
        },
        events=(
            'event: message_start\ndata: {"type":"message_start","message":{"model":"lp1","content":[]}}\n\n'
            'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
            '"delta":{"type":"text_delta","text":"Hello"}}\n\n'
            'event: message_stop\ndata: {"type":"message_stop"}\n\n'
        ),
    ),
    faults=_FAULTS,
)
COUNT_TOKENS = replace(
    MESSAGES,
    summary="How many tokens a message would take in.",
    says="Answered by the model server.",
    sent=Sent(type=relayed.CountBody, example={"model": "llm", "messages": _HELLO}),
    answered=Answered(says="The count.", type=relayed.TokenCount, example={"input_tokens": 12}),
)
RERANK = Doc(
    tag=Tag.RERANK,
    summary="Documents, ordered by how well they fit a query.",
    says=(
        "In Cohere's and Jina's shape, whatever the model server itself speaks: vLLM, llama.cpp, TEI and SGLang are"
        " all asked in their own words."
    ),
    sent=Sent(
        type=relayed.RerankBody,
        example={"model": "rerank", "query": "late invoices", "documents": ["an invoice", "a poem"], "top_n": 1},
    ),
    answered=Answered(
        says="The best first.",
        type=relayed.Ranking,
        example={"model": "rp1", "results": [{"index": 0, "relevance_score": 0.93}]},
    ),
    faults=_FAULTS,
)
RERANK_TEI = replace(
    RERANK,
    says="As `/v1/rerank`; a body with `texts` is TEI's, and is answered with TEI's bare list.",
    answered=Answered(
        says="The best first.", type=relayed.Ranking | list[relayed.Scored], example=[{"index": 0, "score": 0.93}]
    ),
    sent=Sent(
        type=relayed.TextsBody,
        example={"model": "rerank", "query": "late invoices", "texts": ["an invoice", "a poem"]},
    ),
)
_CARD = {
    "id": "lp1",
    "object": "model",
    "type": "model",
    "display_name": "Llama-3.1-70B",
    "created": 0,
    "created_at": "1970-01-01T00:00:00Z",
    "owned_by": "meta",
}
CARDS = Doc(
    tag=Tag.MODELS,
    summary="The models as the SDKs list them.",
    answered=Answered(
        says="The active models that the key may call, and their aliases.",
        type=relayed.ModelCards,
        example={"object": "list", "data": [_CARD], "has_more": False, "first_id": "lp1", "last_id": "lp1"},
    ),
)
CARD = Doc(
    tag=Tag.MODELS,
    summary="One model as the SDKs see it.",
    parameters=(fields.MODEL_ID,),
    answered=Answered(says="The model.", type=relayed.ModelCard, example=_CARD),
    faults=(UnknownModel,),
)
ROOT = Doc(
    tag=Tag.ABOUT,
    summary="Who answers here.",
    says="Anthropic's clients ask for its head before anything else.",
    answered=Answered(
        says="This gateway.",
        type=answers.About,
        example={"name": "OneAI Gateway", "version": __version__, "docs": "/docs", "openapi": "/openapi.json"},
    ),
)
