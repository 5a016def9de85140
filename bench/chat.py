"""The scenes of `/v1/chat/completions`: whole, streamed, its first word, silent streams, and many calls of each."""

import asyncio
import statistics
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from bench import gateway, leaving, load, pace, rounds, steady, upstream
from bench.ask import CHAT, STREAM
from bench.gateway import Running
from bench.process import resident_mb
from bench.rounds import Line

HELD = 2_000
WARM = 50
"""Streams that are open before the count: the first ones pay for what all of them share."""
PER_S = 50
_ROOM = 4 * HELD


def whole(folder: Path, port: int) -> Iterator[Line]:
    compared = rounds.compare(folder, port, CHAT)
    yield from rounds.lines("/v1/chat/completions", "calls", compared, ">= 4,000", ">= 0.65")
    _, alone = load.wrk(f"http://127.0.0.1:{port}", folder, [CHAT], 3)
    yield "the static model server itself, calls/s", f"{alone:,.0f}", ""


def streams(folder: Path, port: int) -> Iterator[Line]:
    for place, how in ((upstream.STREAMED, "sent one by one"), (upstream.PACKED, "sent as they fit")):
        compared = rounds.compare(folder, port, STREAM, STREAM, place)
        yield from rounds.lines(f"100 chunks, {how}", "streams", compared, ">= 1,500", ">= 0.5")
        _, alone = load.wrk(f"http://127.0.0.1:{port}", folder, [STREAM.at(place)], 3)
        yield "the static model server itself, streams/s", f"{alone:,.0f}", ""


def first(folder: Path, port: int) -> Iterator[Line]:
    direct, floor, ours = list[float](), list[float](), list[float]()
    models = [gateway.row("lp1", "llm", port, upstream.PACED)]
    bare = gateway.floor(folder, gateway.endpoint(port, upstream.PACED))
    with bare as beside, gateway.serving(folder, models) as running:
        for _ in range(rounds.ROUNDS):
            direct += pace.first_word(f"http://127.0.0.1:{port}", STREAM.at(upstream.PACED), PER_S, 4)
            floor += pace.first_word(beside.url, STREAM, PER_S, 4)
            ours += pace.first_word(running.url, STREAM, PER_S, 4)
    base = statistics.median(direct)
    yield f"added to the first word at {PER_S} streams/s, p50", f"{statistics.median(ours) - base:.2f} ms", "< 1 ms"
    yield "added by the floor", f"{statistics.median(floor) - base:.2f} ms", ""


def idle(folder: Path, port: int) -> Iterator[Line]:
    models = [gateway.row("lp1", "llm", port, upstream.SILENT, max_in_flight=_ROOM, idle_ms=600_000)]
    with gateway.serving(folder, models) as running:
        ours = asyncio.run(_held_kb(running))
    with gateway.floor(folder, gateway.endpoint(port, upstream.SILENT)) as running:
        floor = asyncio.run(_held_kb(running))
    yield f"memory of an open stream that is silent, {HELD:,} of them", f"{ours:.1f} KB", "< 40 KB"
    yield "the floor's", f"{floor:.1f} KB", ""


def long_run(folder: Path, port: int) -> Iterator[Line]:
    places = {"lp1": upstream.WHOLE, "lb1": upstream.STREAMED, "lb2": upstream.PACED, "lb3": upstream.SLOW}
    models = [gateway.row(code, "llm", port, place, max_in_flight=_ROOM) for code, place in places.items()]
    with gateway.serving(folder, models) as running:
        found = list[float]()
        for part in steady.parts(running, folder):
            found.append(part.resident_mb)
            what = f"resident after {part.calls:,} calls ({part.cut:,} cut), {part.at_s:.0f} s"
            yield what, f"{part.resident_mb:.1f} MB", ""
    spread = (max(found) - min(found)) / (max(found) + min(found))
    yield "how far that is from flat", f"± {spread:.1%}", "± 5 %"


async def _held_kb(running: Running) -> float:
    async with AsyncExitStack() as stack:
        await leaving.hold(running.port, STREAM, WARM, stack)
        before = resident_mb(running.pid)
        await leaving.hold(running.port, STREAM, HELD, stack)
        return (resident_mb(running.pid) - before) * 1024 / HELD
