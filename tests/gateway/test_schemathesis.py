"""The live gateway is asked all that its own document says may be asked, and much that it says may not be."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from oneai.gateway.app import ROUTES
from oneai.gateway.openapi.document import document
from tests.gateway.openapi.standing import Standing, standing
from tests.gateway.openapi.strictly import strict

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
]
DOCUMENT = strict(document(ROUTES))
BOUNDED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
Asked = schemathesis.Case[Any]
CREDENTIALS = ("X-API-Key", "Authorization")


def loaded(*, examples: int, corners: bool) -> BaseSchema:
    """What to ask: so many drawn at random and, of `corners`, one for each thing that can be wrong with a request."""
    found = schemathesis.openapi.from_dict(DOCUMENT)
    found.config.generation.update(max_examples=examples)
    found.config.phases.coverage.enabled = corners
    return found


EVERY_CORNER = loaded(examples=10, corners=True)
A_FEW = loaded(examples=3, corners=False)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("gateway")) as stands:
        yield stands


@EVERY_CORNER.parametrize()
@BOUNDED
def test_nothing_breaks_and_no_answer_is_untold(case: Asked, gateway: Standing) -> None:
    case.call_and_validate(base_url=gateway.url, headers={"X-API-Key": gateway.keys["admin"]}, checks=CHECKS)


@A_FEW.parametrize()
@BOUNDED
@pytest.mark.parametrize("key", ["plain", "unknown", None])
def test_without_the_right_key_the_answer_is_as_told_too(case: Asked, gateway: Standing, key: str | None) -> None:
    for name in CREDENTIALS:
        case.headers.pop(name, None)
    headers = {"X-API-Key": gateway.keys.get(key, key)} if key else {}
    response = case.call(base_url=gateway.url, headers=headers)
    case.validate_response(response, checks=CHECKS)
    security = case.operation.definition.raw["security"]
    if key == "plain":
        assert (response.status_code == 403) == (security == [{"ApiKey": ["admin"]}, {"Bearer": ["admin"]}])
    else:
        assert (response.status_code == 401) == bool(security)
