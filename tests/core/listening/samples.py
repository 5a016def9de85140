"""Streams as model servers write them, frame by frame, made up after their documentation."""

from collections.abc import Iterable
from typing import Any

from oneai.core import listening
from oneai.core.listening import Listener, RunListener
from oneai.types import Surface

DONE = b"data: [DONE]\n\n"


def data(text: str) -> bytes:
    return b"data: " + text.encode() + b"\n\n"


def event(name: str, text: str) -> bytes:
    return b"event: " + name.encode() + b"\n" + data(text)


def vllm_chunk(rest: str) -> bytes:
    return data(
        '{"id":"chatcmpl-91f","object":"chat.completion.chunk","created":1760001234,"model":"tiny",' + rest + "}"
    )


def vllm_delta(delta: str, finish: str = "null") -> bytes:
    return vllm_chunk('"choices":[{"index":0,"delta":' + delta + ',"logprobs":null,"finish_reason":' + finish + "}]")


VLLM_ROLE = vllm_delta('{"role":"assistant","content":""}')
VLLM_USAGE = vllm_chunk('"choices":[],"usage":{"prompt_tokens":11,"total_tokens":14,"completion_tokens":3}')
VLLM = [
    VLLM_ROLE,
    vllm_delta('{"content":"The"}'),
    vllm_delta('{"content":" cat"}'),
    vllm_delta('{"content":" sat."}'),
    vllm_delta('{"content":""}', '"stop"'),
    VLLM_USAGE,
    DONE,
]

VLLM_TOOLS = [
    VLLM_ROLE,
    vllm_delta(
        '{"tool_calls":[{"id":"call_7","type":"function","index":0,"function":{"name":"weather","arguments":""}}]}'
    ),
    vllm_delta('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\": "}}]}'),
    vllm_delta('{"tool_calls":[{"index":0,"function":{"arguments":"\\"Oslo\\"}"}}]}'),
    vllm_delta('{"tool_calls":[{"id":"call_8","type":"function","index":1,"function":{"name":"now"}}]}'),
    vllm_delta('{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}'),
    vllm_delta('{"content":""}', '"tool_calls"'),
    DONE,
]


def llama_chunk(choices: str, more: str = "") -> bytes:
    return data(
        '{"choices":' + choices + ',"created":1760001234,"id":"chatcmpl-Qk","model":"smol.gguf",'
        '"system_fingerprint":"b6000-abc","object":"chat.completion.chunk"' + more + "}"
    )


LLAMA_USAGE = llama_chunk(
    "[]",
    ',"usage":{"completion_tokens":2,"prompt_tokens":31,"total_tokens":33},'
    '"timings":{"prompt_n":31,"prompt_ms":40.5,"predicted_n":2,"predicted_ms":21.0}',
)
LLAMA = [
    llama_chunk('[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}]'),
    llama_chunk('[{"finish_reason":null,"index":0,"delta":{"content":"Hi"}}]'),
    llama_chunk('[{"finish_reason":null,"index":0,"delta":{"content":" there"}}]'),
    llama_chunk('[{"finish_reason":"stop","index":0,"delta":{}}]'),
    LLAMA_USAGE,
    DONE,
]


def ollama_delta(text: str, finish: str = "null") -> bytes:
    return data(
        '{"id":"chatcmpl-512","object":"chat.completion.chunk","created":1760001234,"model":"qwen3:8b",'
        '"system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"'
        + text
        + '"},"finish_reason":'
        + finish
        + "}]}"
    )


OLLAMA = [ollama_delta("Why"), ollama_delta(" not"), ollama_delta("?"), ollama_delta("", '"stop"'), DONE]
OLD_OLLAMA = [ollama_delta("Why", '""'), ollama_delta(" not", '""'), ollama_delta("", '"stop"'), DONE]


def sglang_delta(delta: str, finish: str = "null") -> bytes:
    return data(
        '{"id":"b0c1","object":"chat.completion.chunk","created":1760001234,"model":"qwen","choices":[{"index":0,'
        '"delta":' + delta + ',"logprobs":null,"finish_reason":' + finish + ',"matched_stop":null}],"usage":null}'
    )


SGLANG = [
    sglang_delta('{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null}'),
    sglang_delta('{"role":null,"content":null,"reasoning_content":"Let","tool_calls":null}'),
    sglang_delta('{"role":null,"content":null,"reasoning_content":" me","tool_calls":null}'),
    sglang_delta('{"role":null,"content":"Yes","reasoning_content":null,"tool_calls":null}'),
    sglang_delta('{"role":null,"content":" indeed","reasoning_content":null,"tool_calls":null}'),
    sglang_delta('{"role":null,"content":null,"reasoning_content":null,"tool_calls":null}', '"stop"'),
    DONE,
]


def completion(text: str, finish: str = "null") -> bytes:
    return data(
        '{"id":"cmpl-3","object":"text_completion","created":1760001234,"model":"tiny","choices":[{"index":0,"text":"'
        + text
        + '","logprobs":null,"finish_reason":'
        + finish
        + ',"stop_reason":null}]}'
    )


COMPLETIONS = [completion("Once"), completion(" upon"), completion(" a time", '"length"'), DONE]


def block_delta(inner: str, index: int = 0) -> bytes:
    return event("content_block_delta", f'{{"type":"content_block_delta","index":{index},"delta":{{{inner}}}}}')


MESSAGE_START = event(
    "message_start",
    '{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"opus-on-vllm",'
    '"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}}',
)
TEXT_START = event(
    "content_block_start", '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
)
ANTHROPIC_PING = event("ping", '{"type": "ping"}')
MESSAGE_DELTA = event(
    "message_delta",
    '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}',
)
MESSAGE_STOP = event("message_stop", '{"type":"message_stop"}')
ANTHROPIC = [
    MESSAGE_START,
    TEXT_START,
    ANTHROPIC_PING,
    block_delta('"type":"text_delta","text":"Hel"'),
    block_delta('"type":"text_delta","text":"lo"'),
    block_delta('"type":"text_delta","text":"!"'),
    event("content_block_stop", '{"type":"content_block_stop","index":0}'),
    MESSAGE_DELTA,
    MESSAGE_STOP,
]


def response(status: str, more: str = '"usage":null') -> str:
    head = '{"id":"resp_4","created_at":1760001234,"model":"tiny","object":"response",'
    return f'{head}"status":"{status}",{more}}}'


def lifecycle(kind: str, number: int, inner: str) -> bytes:
    return event(kind, f'{{"response":{inner},"sequence_number":{number},"type":"{kind}"}}')


def output_delta(text: str, number: int, kind: str = "response.output_text.delta") -> bytes:
    head = f'{{"content_index":0,"delta":"{text}","item_id":"msg_2","logprobs":[],"output_index":0,'
    return event(kind, f'{head}"sequence_number":{number},"type":"{kind}"}}')


ITEM_ADDED = event(
    "response.output_item.added",
    '{"item":{"id":"msg_2","content":[],"role":"assistant","status":"in_progress","type":"message"},'
    '"output_index":0,"sequence_number":2,"type":"response.output_item.added"}',
)
PART_ADDED = event(
    "response.content_part.added",
    '{"content_index":0,"item_id":"msg_2","output_index":0,"part":{"annotations":[],"text":"","type":"output_text"},'
    '"sequence_number":3,"type":"response.content_part.added"}',
)
COMPLETED = response("completed", '"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}')
RESPONSES = [
    lifecycle("response.created", 0, response("in_progress")),
    lifecycle("response.in_progress", 1, response("in_progress")),
    ITEM_ADDED,
    PART_ADDED,
    output_delta("One", 4),
    output_delta(" two", 5),
    output_delta(" three", 6),
    lifecycle("response.completed", 7, COMPLETED),
]

ALL: list[tuple[Surface, list[bytes]]] = [
    (Surface.CHAT, VLLM),
    (Surface.CHAT, VLLM_TOOLS),
    (Surface.CHAT, LLAMA),
    (Surface.CHAT, OLLAMA),
    (Surface.CHAT, OLD_OLLAMA),
    (Surface.CHAT, SGLANG),
    (Surface.COMPLETIONS, COMPLETIONS),
    (Surface.MESSAGES, ANTHROPIC),
    (Surface.RESPONSES, RESPONSES),
    (Surface.RUN, VLLM),
    (Surface.RUN, VLLM_TOOLS),
    (Surface.RUN, SGLANG),
]


def listener(surface: Surface = Surface.CHAT, *, asks_usage: bool = False) -> Listener:
    return listening.of(surface, code="lp1", asks_usage=asks_usage)


def runner() -> RunListener:
    found = listener(Surface.RUN)
    assert isinstance(found, RunListener)
    return found


def told(to: Listener, blocks: Iterable[bytes]) -> bytes:
    """All that a listener gives out, to its end."""
    return b"".join([to.hear(block) for block in blocks]) + to.close()


def facts(of: Listener) -> dict[str, Any]:
    names = (
        "began",
        "ended",
        "finish_reason",
        "tokens_in",
        "tokens_out",
        "deltas",
        "error",
        "aborted",
        "sequence_number",
    )
    return {name: getattr(of, name) for name in names} | {"is_whole": of.is_whole()}
