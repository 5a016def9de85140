"""The page: whole, closed, escaped, and its commands work in a shell."""

import json
import shlex
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest

from oneai.gateway.app import ROUTES
from oneai.gateway.openapi.document import document
from oneai.gateway.openapi.page import rendered, sample

DOCUMENT = document(ROUTES)
PAGE = rendered(DOCUMENT)
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
_VOID = {"meta", "link"}


class Reader(HTMLParser):
    """What a browser would see: the elements, and whether each is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags = Counter[str]()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if tag == "a" else []
        self.loads += [value or "" for name, value in attrs if name == "src" or (tag == "link" and name == "href")]
        assert not any(name.startswith("on") or name == "style" for name in found)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(PAGE)


def test_every_element_is_closed_in_its_turn(reader: Reader) -> None:
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_it_asks_for_nothing_from_anywhere(reader: Reader) -> None:
    assert reader.loads == ["data:,"]
    assert not {"script", "img", "iframe", "form", "object"} & set(reader.tags)
    assert "url(" not in PAGE
    assert "@import" not in PAGE


def test_every_link_leads_somewhere(reader: Reader) -> None:
    assert set(reader.links) - {f"#{name}" for name in reader.ids} == {"openapi.json"}


def test_it_is_for_both_kinds_of_light_and_for_phones() -> None:
    assert "prefers-color-scheme: dark" in PAGE
    assert 'name="viewport"' in PAGE


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_operation_is_on_it(reader: Reader, path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    assert operation["operationId"] in reader.ids
    assert path in reader.text
    assert operation["summary"].replace("`", "") in reader.text


@pytest.mark.parametrize("word", ["input.image", "meta.tenant_id", "X-OneAI-Timeout-Ms", "1,000 to 3,600,000"])
def test_fields_and_their_bounds_are_on_it(reader: Reader, word: str) -> None:
    assert word in reader.text


def test_each_error_is_in_its_table_once() -> None:
    table = PAGE.partition('id="errors"')[2]
    for status, code in [
        (401, "invalid_api_key"),
        (429, "key_busy"),
        (502, "chain_exhausted"),
        (413, "body_too_large"),
    ]:
        assert table.count(f"<th>{status}</th><td><code>{code}</code>") == 1


def test_what_is_no_word_of_ours_is_escaped() -> None:
    evil = json.loads(json.dumps(DOCUMENT))
    told = '<script>alert("x")</script>'
    evil["info"]["title"] = evil["info"]["version"] = evil["info"]["description"] = told
    operation = evil["paths"]["/v1/run"]["post"]
    operation["summary"] = operation["description"] = operation["parameters"][0]["name"] = told
    operation["requestBody"]["content"]["application/json"]["example"] = {"task": told}
    operation["responses"]["200"]["description"] = told
    operation["responses"]["200"]["content"]["application/json"]["example"] = {"task": told}
    operation["responses"]["200"]["content"]["text/event-stream"]["example"] = told
    evil["components"]["schemas"]["RunBody"]["properties"]["task"]["description"] = told
    evil["paths"][f"/{told}"] = evil["paths"].pop("/live")
    page = rendered(evil)
    assert "<script" not in page
    assert Reader(page).tags["script"] == 0


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_command_is_one_that_a_shell_understands(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    words = shlex.split(sample.command(method, path, operation).replace("\\\n", " "))
    assert words[:2] == ["curl", "-s"]
    [url] = [word for word in words if word.startswith("$ONEAI_URL/")]
    assert "{" not in url
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    assert (json.loads(words[words.index("-d") + 1]) if "-d" in words else None) == sent
    assert ("-X" in words) == (method == "post" and sent is None)
    assert ("X-API-Key: $ONEAI_API_KEY" in words) == bool(operation["security"])


def test_an_apostrophe_does_not_end_a_commands_body() -> None:
    operation: dict[str, Any] = {
        "security": [],
        "parameters": [],
        "requestBody": {"content": {"application/json": {"example": {"text": "it's"}}}},
    }
    words = shlex.split(sample.command("post", "/v1/run", operation).replace("\\\n", " "))
    assert json.loads(words[-1]) == {"text": "it's"}


@pytest.mark.parametrize("value", [{}, [], None, {"a": [1, {"b": "é" * 80}], "c": "x" * 60}, [[["x" * 50]]]])
def test_laid_out_json_is_the_same_json(value: Any) -> None:
    assert json.loads(sample.laid_out(value)) == value
