"""Fallback links as a graph: which crossings are allowed, and what is wrong with a link or a loop of them."""

from collections.abc import Mapping

from oneai.types import Domain

Links = Mapping[str, str | None]
"""Model code to the code of its fallback."""

_CROSSINGS = (frozenset({Domain.OCR, Domain.VISION}), frozenset({Domain.LLM, Domain.TOOLS}))


def crosses(a: Domain, b: Domain) -> bool:
    """Whether a call for one domain may go to a model of the other: the same, ocr and vision, llm and tools."""
    return a is b or {a, b} in _CROSSINGS


def link_fault(domains: Mapping[str, Domain], code: str, fallback: str) -> str | None:
    """What is wrong with this link in itself."""
    if fallback not in domains:
        return f"its fallback {fallback} is not registered"
    if not crosses(domains[code], domains[fallback]):
        return f"its fallback {fallback} is of domain {domains[fallback]}, which {domains[code]} may not cross to"
    return None


def loops(links: Links) -> list[tuple[str, ...]]:
    """Every cycle once, from its least code on; takes time in proportion to the links."""
    seen: set[str] = set()
    found = []
    for start in links:
        way: list[str] = []
        code: str | None = start
        while code is not None and code not in seen:
            seen.add(code)
            way.append(code)
            code = links.get(code)
        # A way may also run into one that was walked before: then the cycle behind it, if any, is found already.
        if code is not None and code in way:
            found.append(_from_least(way[way.index(code) :]))
    return found


def drawn(loop: tuple[str, ...]) -> str:
    """`op1 → op2 → op1`; a long one is shortened."""
    way = [*loop[:8], "…"] if len(loop) > 8 else list(loop)
    return " → ".join([*way, loop[0]])


def _from_least(loop: list[str]) -> tuple[str, ...]:
    first = loop.index(min(loop))
    return tuple(loop[first:] + loop[:first])
