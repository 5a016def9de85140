from dataclasses import replace
from typing import Any

import orjson
import pytest

from oneai.core import prepare
from oneai.errors import BadField, BadRequest
from oneai.profiles import Profile, load
from oneai.types import Domain, Image
from tests.core.run_calls import PAGE, call, model

DATA = f"data:{PAGE.mime};base64,{PAGE.base64}"
SHOWN = {"type": "image_url", "image_url": {"url": DATA}}
OCR = Profile(task=Domain.OCR, name="default", prompt="Read.")
PLAIN = Profile(task=Domain.LLM, name="default")
HELLO = {"role": "user", "content": "Hello!"}


def body(task: Domain, profile: Profile = PLAIN, *, served: str | None = None, **ask: Any) -> dict[str, Any]:
    found = orjson.loads(prepare.body(call(task, **ask), model(), profile, served))
    assert isinstance(found, dict)
    return found


def content(task: Domain, profile: Profile, **ask: Any) -> Any:
    (turn,) = body(task, profile, **ask)["messages"]
    assert turn["role"] == "user"
    return turn["content"]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_a_page_is_sent_before_the_prompt_in_one_user_message() -> None:
    assert content(Domain.OCR, OCR, images=(PAGE,)) == [SHOWN, text("Read.")]


def test_a_profile_can_have_the_prompt_first() -> None:
    assert content(Domain.OCR, replace(OCR, order="text_image"), images=(PAGE,)) == [text("Read."), SHOWN]


def test_all_images_stay_together_and_in_order() -> None:
    second = Image(mime="image/jpeg", base64="/9j/")
    shown = content(Domain.OCR, OCR, images=(PAGE, second))[:2]
    assert [part["image_url"]["url"] for part in shown] == [DATA, "data:image/jpeg;base64,/9j/"]


def test_an_allowed_url_is_sent_as_it_is() -> None:
    image = Image(mime="", url="https://files.example/page.png")
    assert content(Domain.OCR, OCR, images=(image,))[0]["image_url"] == {"url": "https://files.example/page.png"}


def test_text_beside_a_page_comes_after_the_prompt() -> None:
    assert content(Domain.OCR, OCR, images=(PAGE,), text="In German.")[1] == text("Read.\n\nIn German.")


def test_a_profile_without_a_prompt_sends_the_page_alone() -> None:
    assert content(Domain.OCR, replace(OCR, prompt=None), images=(PAGE,)) == [SHOWN]


def test_text_beside_an_image_is_the_prompt_of_a_vision_call() -> None:
    vision = Profile(task=Domain.VISION, name="default", prompt="Describe.")
    assert content(Domain.VISION, vision, images=(PAGE,), text="How many?")[1] == text("How many?")
    assert content(Domain.VISION, vision, images=(PAGE,))[1] == text("Describe.")


@pytest.mark.parametrize("task", [Domain.OCR, Domain.VISION])
def test_words_alone_to_a_reader_of_images_are_a_plain_message(task: Domain) -> None:
    profile = replace(OCR, task=task, system="You read pages.")
    assert body(task, profile, text="test")["messages"] == [{"role": "user", "content": "test"}]


def test_messages_pass_as_they_are() -> None:
    turns = ({"role": "system", "content": "Be brief."}, HELLO | {"name": "ann", "x": [1, None]})
    assert body(Domain.LLM, messages=turns)["messages"] == list(turns)


def test_text_follows_messages_as_a_user_turn() -> None:
    turns = body(Domain.LLM, messages=(HELLO,), text="Go on.")["messages"]
    assert turns == [HELLO, {"role": "user", "content": "Go on."}]


def test_images_follow_messages_as_a_user_turn() -> None:
    turns = body(Domain.OCR, OCR, messages=(HELLO,), images=(PAGE,))["messages"]
    assert turns == [HELLO, {"role": "user", "content": [SHOWN, text("Read.")]}]


def test_the_profiles_system_comes_first_unless_the_caller_has_one() -> None:
    instructed = replace(PLAIN, system="Be kind.")
    assert body(Domain.LLM, instructed, messages=(HELLO,))["messages"][0] == {"role": "system", "content": "Be kind."}
    own = {"role": "developer", "content": "Be brief."}
    assert body(Domain.LLM, instructed, messages=(own, HELLO))["messages"] == [own, HELLO]


def test_tools_and_tool_choice_are_sent() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    sent = body(Domain.TOOLS, messages=(HELLO,), tools=(tool,), params={"tool_choice": "required"})
    assert (sent["tools"], sent["tool_choice"]) == ([tool], "required")


def test_no_tools_are_sent_where_none_were_given() -> None:
    assert "tools" not in body(Domain.TOOLS, messages=(HELLO,))


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({}, 4096),
        ({"max_tokens": None}, 4096),
        ({"max_tokens": 100}, 100),
        ({"max_tokens": 100_000}, 4096),
        ({"max_completion_tokens": 50}, 50),
        ({"max_completion_tokens": 100_000}, 4096),
    ],
)
def test_the_rows_max_tokens_is_default_and_cap(params: dict[str, Any], sent: int) -> None:
    found = body(Domain.LLM, messages=(HELLO,), params=params)
    assert found["max_tokens"] == sent
    assert "max_completion_tokens" not in found


@pytest.mark.parametrize("asked", [0, -1, "100", 1.5, True])
def test_max_tokens_that_are_no_number_from_1_are_the_callers_error(asked: Any) -> None:
    with pytest.raises(BadField, match=r"params\.max_tokens"):
        body(Domain.LLM, messages=(HELLO,), params={"max_tokens": asked})


def test_the_callers_params_win_over_the_profiles() -> None:
    profile = replace(PLAIN, params={"temperature": 0.0, "top_p": 0.5})
    sent = body(Domain.LLM, profile, messages=(HELLO,), params={"temperature": 0.7, "seed": 3})
    assert (sent["temperature"], sent["top_p"], sent["seed"]) == (0.7, 0.5, 3)


def test_params_can_set_neither_model_nor_stream_nor_messages() -> None:
    params = {"model": "other", "stream": True, "stream_options": {}, "messages": []}
    sent = body(Domain.LLM, served="mine", messages=(HELLO,), params=params)
    assert sent == {"model": "mine", "messages": [HELLO], "max_tokens": 4096}


@pytest.mark.parametrize(
    ("task", "ask"),
    [
        (Domain.LLM, {"messages": (HELLO,)}),
        (Domain.EMBED, {"texts": ("a",)}),
        (Domain.RERANK, {"query": "q", "documents": ("a",)}),
    ],
)
def test_the_served_name_is_left_out_until_it_is_known(task: Domain, ask: dict[str, Any]) -> None:
    assert "model" not in body(task, **ask)
    assert body(task, served="tiny", **ask)["model"] == "tiny"


def test_texts_are_embedded_in_order_and_text_is_one_of_them() -> None:
    assert body(Domain.EMBED, texts=("a", "b")) == {"input": ["a", "b"]}
    assert body(Domain.EMBED, text="a") == {"input": ["a"]}
    assert body(Domain.EMBED, texts=("a",), text="b", params={"dimensions": 8}) == {
        "input": ["a", "b"],
        "dimensions": 8,
    }


def test_a_rerank_has_query_documents_and_top_n() -> None:
    sent = body(Domain.RERANK, query="q", documents=("a", {"text": "b"}), params={"top_n": 1})
    assert sent == {"query": "q", "documents": ["a", "b"], "top_n": 1}


def test_tei_is_sent_its_own_names_of_the_fields() -> None:
    profile = load().get(Domain.RERANK, "default", "tei")
    sent = body(Domain.RERANK, profile, query="q", documents=("a",), params={"return_documents": True})
    assert sent == {"query": "q", "texts": ["a"], "return_text": True}


def test_an_input_nested_too_deep_to_send_is_the_callers_error() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    with pytest.raises(BadRequest, match="nest it less"):
        body(Domain.LLM, messages=({"role": "user", "content": deep},))


def test_headers_carry_the_trace_and_the_credential() -> None:
    traced = replace(call(Domain.LLM), headers={"traceparent": "00-1"})
    assert prepare.headers(traced, "secret") == {
        "traceparent": "00-1",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": "Bearer secret",
    }


@pytest.mark.parametrize("credential", [None, ""])
def test_without_a_credential_no_authorization_is_sent(credential: str | None) -> None:
    assert "Authorization" not in prepare.headers(call(Domain.LLM), credential)
