from multidict import CIMultiDict, CIMultiDictProxy

from oneai.gateway import terms
from oneai.types import Surface

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def through(surface: Surface, *headers: tuple[str, str]) -> dict[str, str]:
    return terms.through(CIMultiDictProxy(CIMultiDict(headers)), surface)


def test_a_header_that_comes_twice_goes_on_with_all_that_it_said() -> None:
    beta = ("anthropic-beta", "one"), ("Anthropic-Beta", "two,three"), ("anthropic-version", "2023-06-01")

    assert through(Surface.MESSAGES, *beta) == {
        "anthropic-beta": "one, two,three",
        "anthropic-version": "2023-06-01",
    }


def test_only_the_surfaces_own_headers_and_the_trace_go_on() -> None:
    sent = ("anthropic-beta", "one"), ("openai-beta", "two"), ("traceparent", TRACE), ("Cookie", "a=b")

    assert through(Surface.RESPONSES, *sent) == {"openai-beta": "two", "traceparent": TRACE}
