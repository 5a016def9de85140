"""One call's story: the same shape from memory and from its rows."""

from oneai.core import story, usage
from oneai.core.recent import Ended
from oneai.types import Attempt, Domain, Usage
from tests.core.run_calls import call

CUT = Attempt(
    id="a1",
    model="lp1",
    outcome="client_gone",
    provider="meta",
    started_at=1_700_000_000.0,
    latency_ms=900,
    status=200,
    usage=Usage(tokens_out=7),
    ttft_ms=640,
)


def test_memory_and_rows_tell_the_same_of_an_attempt() -> None:
    ended = Ended(id="run_1", request_id="r1", at=1_700_000_001.0, status=499, route="/v1/run", attempts=(CUT,))
    remembered = story.of_memory(ended)
    kept = story.of_rows([usage.row(call(Domain.LLM), CUT, 1)])
    assert remembered["attempts"] == kept["attempts"]
    assert remembered.keys() == kept.keys()
    assert (remembered["attempts"][0]["ttft_ms"], remembered["attempts"][0]["tokens_out"]) == (640, 7)


def test_of_an_attempt_that_did_not_stream_no_first_word_is_told() -> None:
    whole = Attempt(id="a1", model="op1", outcome="ok", latency_ms=900)
    ended = Ended(id="run_1", request_id="r1", at=0.0, status=200, route="/v1/run", attempts=(whole,))
    assert story.of_memory(ended)["attempts"][0]["ttft_ms"] is None
