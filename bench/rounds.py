"""The gateway and the floor under the same load, in turn: the medians of each."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import gateway, load
from bench.ask import CHAT, Ask
from bench.gateway import Running
from bench.load import Throughput

ROUNDS = 3
Line = tuple[str, str, str]
"""What was measured, the figure, and what is asked of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the two did."""

    ours: Throughput
    floor: Throughput

    @property
    def share(self) -> float:
        """Of the floor's calls in a second of processor time."""
        return self.ours.per_cpu_s / self.floor.per_cpu_s


def compare(folder: Path, upstream: int, ask: Ask, floor_ask: Ask = CHAT, place: str = "") -> Compared:
    """In rounds, so that a noisy minute meets both."""
    ours, floor = list[Throughput](), list[Throughput]()
    for _ in range(ROUNDS):
        floor.append(_one(gateway.floor(folder, gateway.endpoint(upstream, place)), folder, floor_ask))
        models = [gateway.row("lp1", "llm", upstream, place)]
        ours.append(_one(gateway.serving(folder, models), folder, ask))
    return Compared(ours=_median(ours), floor=_median(floor))


def lines(what: str, each: str, compared: Compared, asked: str, share_asked: str = "") -> Iterator[Line]:
    """A table's lines: `each` is what is counted."""
    yield f"{what}, one core, {each}/s", f"{compared.ours.per_s:,.0f}", asked
    yield "the same for a second of processor time", f"{compared.ours.per_cpu_s:,.0f}", ""
    yield f"bare aiohttp pass-through, {each}/s", f"{compared.floor.per_s:,.0f}", "(the floor)"
    yield "the same for a second of processor time", f"{compared.floor.per_cpu_s:,.0f}", ""
    yield "share of the floor", f"{compared.share:.2f}", share_asked


def _one(server: AbstractContextManager[Running], folder: Path, ask: Ask) -> Throughput:
    with server as running:
        return load.flat_out(running, folder, ask)


def _median(found: list[Throughput]) -> Throughput:
    return sorted(found, key=lambda each: each.per_cpu_s)[len(found) // 2]
