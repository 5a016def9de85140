import pytest

from oneai.core.dialect import Dialect, Unusable
from oneai.core.run_dialect import RunDialect
from oneai.errors import UnknownProfile
from oneai.profiles import load
from oneai.types import Domain
from tests.core.run_calls import PAGE, answer, call, chat, model


@pytest.fixture
def dialect() -> Dialect:
    return RunDialect(load(), {"MODEL_OP1_API_KEY": "secret"})


def test_a_page_is_posted_to_the_models_endpoint_with_its_credential(dialect: Dialect) -> None:
    request = dialect.prepare(call(Domain.OCR, images=(PAGE,)), model(credential_env="MODEL_OP1_API_KEY"), "tiny")
    assert (request.method, request.url) == ("POST", "http://gpu.example:8000/v1/chat/completions")
    assert request.headers["Authorization"] == "Bearer secret"
    assert b"Markdown" in request.body


@pytest.mark.parametrize("variable", [None, "MODEL_OP2_API_KEY"])
def test_a_model_whose_credential_is_not_there_is_asked_without_one(dialect: Dialect, variable: str | None) -> None:
    request = dialect.prepare(call(Domain.LLM, text="Hi"), model(credential_env=variable), None)
    assert "Authorization" not in request.headers


def test_the_profile_is_the_callers_for_the_models_provider(dialect: Dialect) -> None:
    asked = call(Domain.OCR, profile="transcript", images=(PAGE,))
    assert b"Plain text" in dialect.prepare(asked, model(), None).body
    assert b"Plain text" not in dialect.prepare(asked, model(provider="tesseract"), None).body


@pytest.mark.parametrize(
    ("task", "path"),
    [(Domain.EMBED, "/v1/embeddings"), (Domain.RERANK, "/v1/rerank"), (Domain.TOOLS, "/v1/chat/completions")],
)
def test_each_task_has_its_path(dialect: Dialect, task: Domain, path: str) -> None:
    assert dialect.prepare(call(task), model(endpoint="http://gpu.example"), None).url == f"http://gpu.example{path}"


def test_an_unknown_profile_is_refused(dialect: Dialect) -> None:
    with pytest.raises(UnknownProfile):
        dialect.prepare(call(Domain.OCR, profile="fancy"), model(), None)


def test_a_good_answer_is_a_reply(dialect: Dialect) -> None:
    assert dialect.read(call(Domain.OCR, images=(PAGE,)), model(), answer(chat("Page"))).output["text"] == "Page"


@pytest.mark.parametrize(
    ("content", "finish_reason", "outcome"),
    [("  \n", "stop", "quality"), ("half a pa", "abort", "abort"), (None, "abort", "abort")],
)
def test_what_a_gate_refuses_is_unusable_and_keeps_its_usage(
    dialect: Dialect, content: str | None, finish_reason: str, outcome: str
) -> None:
    with pytest.raises(Unusable) as raised:
        dialect.read(call(Domain.OCR, images=(PAGE,)), model(), answer(chat(content, finish_reason)))
    assert raised.value.outcome == outcome
    assert raised.value.reply is not None
    assert raised.value.reply.usage.tokens_out == 3


def test_an_empty_answer_of_a_language_model_is_a_reply(dialect: Dialect) -> None:
    assert dialect.read(call(Domain.LLM, text="Hi"), model(), answer(chat(""))).output["text"] == ""


def test_an_empty_answer_to_a_connectivity_test_is_a_reply(dialect: Dialect) -> None:
    assert dialect.read(call(Domain.OCR, text="test"), model(), answer(chat(""))).output["text"] == ""


def test_tei_ranks_at_its_own_path(dialect: Dialect) -> None:
    of = model(endpoint="http://gpu.example/v1/rerank", provider="tei")
    assert (
        dialect.prepare(call(Domain.RERANK, query="q", documents=("d",)), of, None).url == "http://gpu.example/rerank"
    )
