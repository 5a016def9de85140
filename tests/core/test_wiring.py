from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from oneai.core import wiring
from oneai.types import Domain

names = st.sampled_from("abcdefgh")


def test_only_ocr_with_vision_and_llm_with_tools_cross() -> None:
    crossing = {(a.value, b.value) for a, b in product(Domain, Domain) if wiring.crosses(a, b) and a is not b}
    assert crossing == {("ocr", "vision"), ("vision", "ocr"), ("llm", "tools"), ("tools", "llm")}
    assert all(wiring.crosses(domain, domain) for domain in Domain)


def test_each_loop_is_found_once_and_from_its_least_code() -> None:
    links = {"x": "c", "c": "a", "a": "b", "b": "c", "y": "x", "s": "s", "z": None, "w": "gone"}
    assert sorted(wiring.loops(links)) == [("a", "b", "c"), ("s",)]


@settings(deadline=None)
@given(st.dictionaries(names, st.none() | names))
def test_a_loop_is_reported_exactly_for_codes_that_come_back_to_themselves(links: dict[str, str | None]) -> None:
    def returns(code: str) -> bool:
        at = links.get(code)
        for _ in links:
            if at is None or at == code:
                break
            at = links.get(at)
        return at == code

    looping = [code for loop in wiring.loops(links) for code in loop]
    assert sorted(looping) == sorted(code for code in links if returns(code))


def test_a_long_loop_is_drawn_short() -> None:
    assert wiring.drawn(("a", "b")) == "a → b → a"
    assert wiring.drawn(tuple("abcdefghijkl")) == "a → b → c → d → e → f → g → h → … → a"
