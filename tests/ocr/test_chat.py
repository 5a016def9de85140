from typing import Any

import orjson
import pytest

from oneai.errors import BadField, BadImage, BadRequest, MissingField, NotJson, NotServed, OneAIError
from oneai.ocr import chat
from oneai.ocr.worker import Page
from tests.ocr import pages

URI = "data:image/png;base64,AAAA"


def parse(body: object) -> chat.Wish:
    return chat.parse(orjson.dumps(body))


def test_the_image_and_the_prompt_are_taken_out_of_the_parts() -> None:
    wish = parse(pages.chat(URI, "Read this."))
    assert (wish.image, wish.prompt, wish.stream, wish.wants_usage) == ("AAAA", "Read this.", False, False)


def test_stream_and_usage_are_seen() -> None:
    wish = parse(pages.chat(URI, stream=True, stream_options={"include_usage": True}))
    assert (wish.stream, wish.wants_usage) == (True, True)


def test_a_text_message_has_no_image() -> None:
    wish = parse({"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]})
    assert (wish.image, wish.prompt) == (None, "a\nb")


@pytest.mark.parametrize("model", [None, "", "tesseract"])
def test_these_names_are_served(model: str | None) -> None:
    assert parse(pages.chat(URI) | {"model": model}).image == "AAAA"


def test_another_name_is_refused_as_vllm_does() -> None:
    with pytest.raises(NotServed) as caught:
        parse(pages.chat(URI) | {"model": "Tiny"})
    error = caught.value
    assert error.message == "The model `Tiny` does not exist. Valid aliases: tesseract."
    assert (error.status, error.type, error.param) == (404, "NotFoundError", "model")


@pytest.mark.parametrize(
    ("prompt", "lang"),
    [
        ("Read this.", "eng+deu"),
        ("lang: deu", "deu"),
        ("Please. Language = deu+eng\nThanks", "deu+eng"),
        ("language: fra", "eng+deu"),
        ("Language: English", "eng+deu"),
    ],
)
def test_a_prompt_picks_among_the_served_languages_only(prompt: str, lang: str) -> None:
    assert parse(pages.chat(URI, prompt)).lang(("eng", "deu")) == lang


def user(*content: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


IMAGE = {"type": "image_url", "image_url": {"url": URI}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], BadRequest),
        ({}, MissingField),
        ({"messages": "x"}, BadField),
        ({"messages": ["x"]}, BadField),
        ({"messages": [{"role": "user", "content": 5}]}, BadField),
        (user("x"), BadField),
        (user({"type": "input_audio"}), BadField),
        (user(IMAGE, IMAGE), BadRequest),
        (user({"type": "image_url", "image_url": URI}), BadImage),
        (user({"type": "image_url"}), BadImage),
        (pages.chat("https://files.example/a.png"), BadImage),
        (pages.chat("AAAA"), BadImage),
        (pages.chat("data:image/png,AAAA"), BadImage),
        (pages.chat("data:image/png;base64"), BadImage),
        (pages.chat("data:image/png;base64,"), BadImage),
    ],
)
def test_what_cannot_be_understood_is_a_400(body: object, error: type[OneAIError]) -> None:
    with pytest.raises(error) as caught:
        parse(body)
    assert caught.value.status == 400


def test_what_is_no_json_is_said_so() -> None:
    with pytest.raises(NotJson):
        chat.parse(b"{")


def answer(text: str, **fields: Any) -> chat.Answer:
    page = Page(text=text, width=2480, height=3508)
    return chat.Answer(id="chatcmpl-1", created=7, wish=parse(pages.chat(URI, "Read this.", **fields)), page=page)


def test_usage_is_estimated_from_letters_and_pixels() -> None:
    assert answer("nine char").whole()["usage"] == {
        "prompt_tokens": 3 + 1280,
        "completion_tokens": 3,
        "total_tokens": 3 + 1280 + 3,
    }
    small = Page(text="", width=280, height=56)
    assert chat.usage(parse(pages.chat(URI)), small)["prompt_tokens"] == 20


@pytest.mark.parametrize("text", ["", "one", "one\n\ntwo\nlines\n\n\nthree", "\n\nodd\n\n", "a\n"])
def test_the_chunks_together_are_the_text(text: str) -> None:
    chunks = list(answer(text).chunks())
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == text
    assert all(delta["content"] for delta in deltas[1:-1])
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]


def test_the_usage_chunk_is_for_those_who_ask() -> None:
    fields = {"stream": True, "stream_options": {"include_usage": True}}
    assert list(answer("x", **fields).chunks())[-1]["usage"] == answer("x").whole()["usage"]
    assert list(answer("x", **fields).chunks())[-1]["choices"] == []
    assert not any("usage" in chunk for chunk in answer("x", stream=True).chunks())
