"""The OpenAPI document against the table that it is made of."""

from collections import Counter
from typing import Any

import pytest
import schemathesis

from oneai import errors
from oneai.errors import OneAIError
from oneai.gateway.app import ROUTES
from oneai.gateway.openapi.document import document
from oneai.gateway.routes import Needs
from tests.gateway.openapi.fitting import misfits, told

DOCUMENT = document(ROUTES)
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OneAIError)]
STATUSES = {kind.code: kind.status for kind in KINDS}


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def content(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = operation(path, method)["responses"]["200"]["content"]
    return found


def test_every_route_of_the_table_is_told_and_nothing_else() -> None:
    assert {(route.path, route.method.lower()) for route in ROUTES} == set(OPERATIONS)
    assert [route.path for route in ROUTES if route.doc is None] == []


def test_it_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_operation_has_words_and_a_name_of_its_own() -> None:
    names = Counter(operation(*one)["operationId"] for one in OPERATIONS)
    assert max(names.values()) == 1
    for one in OPERATIONS:
        assert operation(*one)["summary"].endswith("."), one
        assert 10 < len(operation(*one)["summary"]) < 120, one


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_key_that_it_needs_is_told(route: Any) -> None:
    security = operation(route.path, route.method.lower())["security"]
    roles = ["admin"] if route.needs is Needs.ADMIN else []
    assert security == ([] if route.needs is Needs.NOTHING else [{"ApiKey": roles}, {"Bearer": roles}])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_example_is_as_its_schema_says(path: str, method: str) -> None:
    body = operation(path, method).get("requestBody", {}).get("content", {})
    for media in (*body.values(), *content(path, method).values()):
        if "example" in media and media["schema"].get("properties", {}).keys() != {"event", "data"}:
            assert misfits(DOCUMENT, media["schema"], media["example"]) == []


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_answer_in_json_comes_with_an_example(path: str, method: str) -> None:
    media = content(path, method).get("application/json")
    large = {"/openapi.json", "/admin/state"}
    assert media is None or "example" in media or path in large


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_error_stands_under_its_own_status(path: str, method: str) -> None:
    for status in operation(path, method)["responses"]:
        if status[0] not in "45" or status == "4XX":
            continue
        schema = told(DOCUMENT, path, int(status), method)["content"]["application/json"]["schema"]
        codes = schema["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"]
        assert len(codes) == len(set(codes))
        for code in set(codes) - {"upstream_rejected", "context_length_exceeded"}:
            assert STATUSES[code] == int(status) or (status == "503" and STATUSES[code] in (502, 504)), code


@pytest.mark.parametrize("route", [route for route in ROUTES if route.surface], ids=lambda route: route.path)
def test_a_call_tells_of_all_that_a_chain_can_end_in(route: Any) -> None:
    wanted = {"200", "400", "401", "403", "404", "408", "413", "422", "429", "4XX", "500", "502", "503", "504"}
    assert operation(route.path, "post")["responses"].keys() == wanted
    named = {parameter["name"] for parameter in operation(route.path, "post")["parameters"]}
    assert {"X-OneAI-Timeout-Ms", "X-OneAI-Fallback", "X-Tenant-Id", "X-Request-Id"} <= named


def test_a_message_tells_the_facts_that_it_fills_in() -> None:
    told_of_404 = told(DOCUMENT, "/models/{code}", 404, "get")["description"]
    assert "`model_not_found`: No model <model> is registered." in told_of_404


def test_no_reference_leads_nowhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for item in value for found in references(item)]
        if not isinstance(value, dict):
            return []
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]

    components = DOCUMENT["components"]
    for reference in set(references(DOCUMENT)):
        _, _, kind, name = reference.split("/")
        assert name in components[kind]


def test_it_is_small_enough_to_be_kept() -> None:
    assert len(str(DOCUMENT)) < 300_000
