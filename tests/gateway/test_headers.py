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
