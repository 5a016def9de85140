import pytest
from aiohttp.test_utils import make_mocked_request

from oneai.gateway import headers
from oneai.gateway.visit import Visit
from oneai.types import Attempt


def shown(attempts: int) -> str:
    made = [Attempt(model=f"op{number}", outcome="timeout", id="x", latency_ms=5) for number in range(1, attempts + 1)]
    return headers.of_call(Visit(request=make_mocked_request("POST", "/v1/run")), made)["X-OneAI-Attempts"]


def test_a_trail_names_every_attempt_in_order() -> None:
    assert shown(2) == "op1=timeout;5ms,op2=timeout;5ms"


def test_a_trail_longer_than_a_header_line_shows_its_newest() -> None:
    trail = shown(300)

    assert trail.startswith("...,op237=timeout;5ms,")
    assert trail.endswith(",op300=timeout;5ms")
    assert len(trail) < 8000


@pytest.mark.parametrize(
    "name",
    ["x-oneai-model", "X-OneAI-Call", "Link", "X-Envoy-Upstream-Host", "x-forwarded-for", "Location", "x-should-retry"],
)
def test_a_model_server_says_nothing_of_its_node_and_nothing_in_our_name(name: str) -> None:
    assert headers.passed({name: "node.example", "openai-processing-ms": "7"}) == {"openai-processing-ms": "7"}


@pytest.mark.parametrize("value", ["a\x01b", "a\x7fb", "a\rb", "caf\u00e9"])
def test_what_cannot_be_written_again_is_left_out(value: str) -> None:
    assert headers.passed({"X-Odd": value, "X-Even": "a\tb"}) == {"X-Even": "a\tb"}
