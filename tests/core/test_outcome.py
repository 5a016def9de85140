from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import outcome
from oneai.core.outcome import TABLE, Next, Outcome, Rule, Verdict
from oneai.types import Answer, Surface
from tests.core.run_calls import answer

PASS_THROUGH = sorted(set(Surface) - {Surface.RUN, Surface.OCR})
WE_WROTE_IT = [Surface.RUN, Surface.OCR]

EXPECTED = {
    "ok": ("no", "success", 200),
    "unreachable": ("yes", "connect_failure", 502),
    "connection_lost": ("yes", "failure", 502),
    "protocol_error": ("yes", "failure", 502),
    "abort": ("yes", "failure", 502),
    "error_event": ("yes", "failure", 502),
    "upstream_error": ("yes", "failure", 502),
    "timeout": ("yes", "failure", 504),
    "cut_short": ("yes", "none", 504),
    "deadline": ("no", "none", 504),
    "busy": ("yes", "answered", 429),
    "misconfigured": ("yes", "answered", 502),
    "no_route": ("yes", "answered", 502),
    "input_too_large": ("yes", "answered", 413),
    "unsupported": ("yes", "answered", 502),
    "rejected": ("no", "alive", None),
    "run_rejected": ("yes", "answered", None),
    "context_length": ("wider", "alive", None),
    "quality": ("yes", "answered", 502),
    "client_gone": ("no", "none", 499),
    "client_stalled": ("no", "none", 499),
    "gateway_stopped": ("no", "none", 503),
    "circuit_open": ("yes", "none", 503),
    "forbidden": ("yes", "none", 403),
}


def _error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message} | fields}


def test_the_table_has_a_row_for_every_outcome_and_no_other() -> None:
    assert set(TABLE) == {outcome.value for outcome in Outcome} == set(EXPECTED)


@pytest.mark.parametrize("row", EXPECTED)
def test_each_row_of_the_table_says_what_the_design_says(row: str) -> None:
    next_, verdict, status = EXPECTED[row]
    assert TABLE[Outcome(row)] == Rule(Next(next_), Verdict(verdict), status)


@pytest.mark.parametrize("surface", Surface)
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_answer_of_2xx_is_ok_on_every_surface(status: int, surface: Surface) -> None:
    assert outcome.of_answer(answer(b"", status), surface) is Outcome.OK


@pytest.mark.parametrize("surface", Surface)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 507, 520, 529, 599])
def test_408_and_other_5xx_without_a_word_are_the_models_failure(status: int, surface: Surface) -> None:
    assert outcome.of_answer(answer(b"", status), surface) is Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize("surface", Surface)
@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 401, 402, 403, 407])
def test_our_credential_and_our_endpoint_are_our_fault(status: int, surface: Surface) -> None:
    found = outcome.of_answer(answer(_error("no"), status), surface)

    assert found is Outcome.MISCONFIGURED
    assert TABLE[found].status not in (401, 403, 404)


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("surface", WE_WROTE_IT)
def test_a_path_of_ours_that_is_not_there_is_our_fault(status: int, surface: Surface) -> None:
    assert outcome.of_answer(answer({"detail": "Not Found"}, status), surface) is Outcome.MISCONFIGURED


NO_SUCH_ROUTE = [
    pytest.param(404, {"detail": "Not Found"}, id="vllm"),
    pytest.param(405, {"detail": "Method Not Allowed"}, id="vllm, the method"),
    pytest.param(404, _error("File Not Found", type="not_found_error", code=404), id="llama.cpp"),
    pytest.param(404, b"404 page not found", id="ollama"),
    pytest.param(404, b"", id="nothing"),
    pytest.param(400, _error("The model does not support Chat Completions API", code=400), id="older vllm"),
    pytest.param(400, _error("The model does not support Embeddings API"), id="older vllm, embeddings"),
    pytest.param(
        501,
        _error("This server does not support embeddings. Start it with `--embeddings`", type="not_supported_error"),
        id="llama.cpp, embeddings",
    ),
]


@pytest.mark.parametrize(("status", "body"), NO_SUCH_ROUTE)
@pytest.mark.parametrize("surface", PASS_THROUGH)
def test_a_surface_that_a_server_does_not_have_is_no_route(status: int, body: Any, surface: Surface) -> None:
    assert outcome.of_answer(answer(body, status), surface) is Outcome.NO_ROUTE


@pytest.mark.parametrize("surface", PASS_THROUGH)
def test_a_404_of_a_wrong_name_is_our_fault_and_no_missing_route(surface: Surface) -> None:
    body = _error("The model `x` does not exist.", type="NotFoundError", code=404)
    assert outcome.of_answer(answer(body, 404), surface) is Outcome.MISCONFIGURED


@pytest.mark.parametrize("surface", Surface)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (413, Outcome.INPUT_TOO_LARGE),
        (424, Outcome.UNSUPPORTED),
        (499, Outcome.UNSUPPORTED),
        (501, Outcome.UNSUPPORTED),
        (429, Outcome.BUSY),
    ],
)
def test_statuses_with_a_meaning_of_their_own_have_it_on_every_surface(
    status: int, expected: Outcome, surface: Surface
) -> None:
    assert outcome.of_answer(answer(_error("prompt is too long"), status), surface) is expected


@pytest.mark.parametrize("status", [400, 406, 409, 411, 415, 418, 422, 431, 451])
@pytest.mark.parametrize("surface", PASS_THROUGH)
def test_a_rejection_is_the_callers_on_a_pass_through_surface(status: int, surface: Surface) -> None:
    assert outcome.of_answer(answer(_error("temperature must be positive"), status), surface) is Outcome.REJECTED


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("surface", WE_WROTE_IT)
def test_a_rejection_of_a_body_that_we_wrote_goes_to_the_next_model(status: int, surface: Surface) -> None:
    found = outcome.of_answer(answer(_error("temperature must be positive"), status), surface)

    assert found is Outcome.RUN_REJECTED
    assert TABLE[found].next is Next.YES


CONTEXT_LENGTHS = [
    pytest.param(
        400,
        _error(
            "This model's maximum context length is 1024 tokens. However, your prompt contains 2000 input tokens.",
            type="BadRequestError",
            param="input_text",
            code=400,
        ),
        id="vllm",
    ),
    pytest.param(400, _error("It is longer than it may be.", param="input_tokens"), id="vllm by its param"),
    pytest.param(
        400, _error("max_tokens=5000 cannot be greater than max_model_len=1024.", param="max_tokens"), id="vllm tokens"
    ),
    pytest.param(
        400,
        _error("the request exceeds the available context size", type="exceed_context_size_error", n_ctx=256),
        id="llama.cpp",
    ),
    pytest.param(
        400,
        {"object": "error", "message": "The input (9 tokens) is longer than the model's context length (8 tokens)."},
        id="sglang, flat",
    ),
    pytest.param(400, {"error": "input length exceeds the context length"}, id="ollama, a string"),
    pytest.param(400, {"type": "error", "error": {"message": "prompt is too long: 9 tokens > 8"}}, id="anthropic"),
    pytest.param(400, _error("Your input exceeds the context window of this model."), id="responses"),
    pytest.param(422, {"message": "too many input tokens", "type": "Validation"}, id="flat, 422"),
    pytest.param(400, b"Requested tokens (516) exceed context window of 512", id="plain text"),
]


@pytest.mark.parametrize(("status", "body"), CONTEXT_LENGTHS)
def test_an_exceeded_context_goes_to_a_wider_model_on_a_pass_through_surface(status: int, body: Any) -> None:
    found = {outcome.of_answer(answer(body, status), surface) for surface in PASS_THROUGH}

    assert found == {Outcome.CONTEXT_LENGTH}


@pytest.mark.parametrize(("status", "body"), CONTEXT_LENGTHS)
def test_an_exceeded_context_is_a_rejection_like_any_other_on_run(status: int, body: Any) -> None:
    assert outcome.of_answer(answer(body, status), Surface.RUN) is Outcome.RUN_REJECTED


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            _error(
                "The engine is currently busy and cannot accept new requests. Please try again later.",
                type="Service Unavailable",
                code=503,
            ),
            id="vllm",
        ),
        pytest.param({"object": "error", "message": "The request queue is full.", "code": 503}, id="sglang"),
        pytest.param(
            _error("server busy, please try again.  maximum pending requests exceeded", type="api_error"), id="ollama"
        ),
        pytest.param({"error": "server busy, please try again. maximum pending requests exceeded"}, id="ollama's own"),
        pytest.param({"error": "maximum pending requests exceeded"}, id="ollama in short"),
        pytest.param({"error": "Model is overloaded", "error_type": "overloaded"}, id="overloaded"),
        pytest.param(b"queue full", id="plain text"),
    ],
)
def test_a_503_that_says_its_queue_is_full_is_busy_and_no_failure(body: Any) -> None:
    found = outcome.of_answer(answer(body, 503), Surface.CHAT)

    assert found is Outcome.BUSY
    assert TABLE[found].verdict is Verdict.ANSWERED


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, id="llama.cpp"),
        pytest.param({"error": "The model is currently scaling, please try again later."}, id="vllm scales"),
        pytest.param(_error("The engine failed.", type="ServiceUnavailableError", code=503), id="vllm's engine"),
        pytest.param({"error": "unhealthy", "error_type": "unhealthy"}, id="tei"),
        pytest.param(b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>", id="nginx"),
        pytest.param(b"", id="empty"),
    ],
)
def test_any_other_503_is_a_failure(body: Any) -> None:
    assert outcome.of_answer(answer(body, 503), Surface.CHAT) is Outcome.UPSTREAM_ERROR


def test_teis_429_is_busy_whatever_it_says() -> None:
    body = {"message": "Model is overloaded", "code": 429, "type": "overloaded"}

    assert outcome.of_answer(answer(body, 429), Surface.EMBEDDINGS) is Outcome.BUSY
    assert outcome.of_answer(answer(b"", 429), Surface.RUN) is Outcome.BUSY


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Cannot connect to host images.example:443 ssl:default [Connect call failed]", id="no such host"),
        pytest.param("Cannot load local files without `--allowed-local-media-path`.", id="local file"),
        pytest.param("file:///etc/passwd may not be read", id="file url"),
        pytest.param(
            "Image size (200000000 pixels) exceeds limit of 178956970 pixels, could be decompression bomb DOS attack.",
            id="bomb",
        ),
        pytest.param("cannot identify image file <_io.BytesIO object>", id="no image"),
        pytest.param("image input is not supported - hint: you may need to provide the mmproj", id="llama.cpp"),
        pytest.param("tiny is not a multimodal model", id="text model"),
        pytest.param("the request exceeds the available context size. try increasing it", id="old llama.cpp"),
    ],
)
def test_a_500_of_the_callers_doing_says_nothing_against_the_model(message: str) -> None:
    found = outcome.of_answer(answer(_error(message, type="InternalServerError", code=500), 500), Surface.RUN)

    assert found is Outcome.UNSUPPORTED
    assert TABLE[found].verdict is Verdict.ANSWERED


@pytest.mark.parametrize(
    "body",
    [
        _error("EngineCore encountered an issue. See stack trace (above) for the root cause.", code=500),
        _error("CUDA out of memory. Tried to allocate 2.00 GiB", code=500),
        {"error": "prediction aborted, token repeat limit reached"},
        b"Internal Server Error",
    ],
)
def test_a_500_of_its_own_is_the_models_failure(body: Any) -> None:
    assert outcome.of_answer(answer(body, 500), Surface.RUN) is Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize("status", [502, 503])
def test_the_callers_words_excuse_a_500_only(status: int) -> None:
    body = _error("Cannot connect to host backend.example:80")

    assert outcome.of_answer(answer(body, status), Surface.RUN) is Outcome.UPSTREAM_ERROR


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            _error("The model `Tiny` does not exist. Valid aliases: tiny.", type="NotFoundError", param="model"),
            True,
            id="vllm",
        ),
        pytest.param(_error("no", type="NotFoundError", code=404), True, id="vllm by its type"),
        pytest.param({"object": "error", "message": "The model 'x' does not exist.", "code": 404}, True, id="flat"),
        pytest.param(_error('model "llama3" not found, try pulling it first', type="not_found_error"), True, id="ol"),
        pytest.param({"error": "model 'llama3' not found"}, True, id="ollama's own"),
        pytest.param({"detail": "Not Found"}, False, id="route absent"),
        pytest.param(
            {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, False, id="llama.cpp"
        ),
        pytest.param(b"404 page not found", False, id="plain text"),
        pytest.param(b"", False, id="empty"),
    ],
)
def test_a_404_tells_a_wrong_name_from_an_absent_route(body: Any, expected: bool) -> None:
    assert outcome.names_wrong_model(answer(body, 404)) is expected
    assert (outcome.of_answer(answer(body, 404), Surface.CHAT) is Outcome.MISCONFIGURED) is expected
    assert outcome.of_answer(answer(body, 404), Surface.RUN) is Outcome.MISCONFIGURED


def test_only_a_404_names_a_wrong_model() -> None:
    assert not outcome.names_wrong_model(answer(_error("The model `x` does not exist.", type="NotFoundError"), 400))


@pytest.mark.parametrize("status", [401, 403])
def test_a_string_for_an_error_is_read_too(status: int) -> None:
    assert outcome.of_answer(answer({"error": "Unauthorized"}, status), Surface.RUN) is Outcome.MISCONFIGURED


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "5", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "5", "retry-after-ms": "soon"}, 5.0),
        ({"retry-after": "86400"}, 120.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "."}, None),
        ({"retry-after": "1.2.3"}, None),
        ({"retry-after": "²"}, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_milliseconds_and_bounded(
    headers: dict[str, str], expected: float | None
) -> None:
    assert outcome.retry_after_s(Answer(status=503, headers=headers, body=b"")) == expected


@given(st.text(max_size=12))
def test_no_retry_after_makes_it_raise_or_leaves_its_bounds(value: str) -> None:
    found = outcome.retry_after_s(Answer(status=429, headers={"retry-after": value}, body=b""))

    assert found is None or 0 <= found <= outcome.RETRY_AFTER_MAX_S


@given(st.integers(100, 599), st.binary(max_size=200), st.sampled_from(Surface))
def test_every_answer_has_an_outcome(status: int, body: bytes, surface: Surface) -> None:
    assert outcome.of_answer(answer(body, status), surface) in TABLE
