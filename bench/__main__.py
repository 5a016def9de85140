"""`make bench`: every scene of the gateway by itself, as a table. `python -m bench NAME…` runs some."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import chat, gateway, image, load, pace, rounds, supabase, upstream
from bench.ask import RUN
from bench.process import oneai, require, resident_mb, stay_beside
from bench.rounds import Line


def commands(folder: Path, port: int) -> Iterator[Line]:
    with gateway.serving(folder, [gateway.row("lp1", "llm", port)]) as running:
        environ = os.environ | {"ONEAI_HOME": str(running.home), "PORT": str(running.port)}
        yield "oneai --help", f"{_seconds(['--help'], environ):.2f} s", "< 0.25 s"
        yield "oneai models list --json", f"{_seconds(['models', 'list', '--json'], environ):.2f} s", "< 0.5 s"


def start(folder: Path, port: int) -> Iterator[Line]:
    found = []
    for _ in range(5):
        with gateway.serving(folder, [gateway.row("lp1", "llm", port)]) as running:
            found.append(running.ready_s)
    yield "serve, until it answers", f"{statistics.median(found):.2f} s", "< 1.5 s"


def throughput(folder: Path, port: int) -> Iterator[Line]:
    yield from rounds.lines("/v1/run", "calls", rounds.compare(folder, port, RUN), ">= 3,000")


def overhead(folder: Path, port: int) -> Iterator[Line]:
    with gateway.serving(folder, [gateway.row("lp1", "llm", port)]) as running:
        own = pace.own(running, 500, 10)
    yield "own time at 500 calls/s, p50", f"{own.p50:.2f} ms", "< 0.5 ms"
    yield "own time at 500 calls/s, p99", f"{own.p99:.2f} ms", "< 3 ms"


def memory(folder: Path, port: int) -> Iterator[Line]:
    with gateway.serving(folder, [gateway.row("lp1", "llm", port)]) as running:
        yield "resident at rest (SQLite)", f"{resident_mb(running.pid):.0f} MB", "< 80 MB"
        load.flat_out(running, folder, RUN, seconds=5)
        yield "resident after more than 10,000 calls", f"{resident_mb(running.pid):.0f} MB", "< 80 MB"


def supabase_memory(folder: Path, port: int) -> Iterator[Line]:
    models = [gateway.row("lp1", "llm", port)]
    with supabase.project() as settings, gateway.serving(folder, models, settings) as running:
        yield "resident at rest (Supabase)", f"{resident_mb(running.pid):.0f} MB", "< 110 MB"
        load.flat_out(running, folder, RUN, seconds=5)
        yield "resident after more than 10,000 calls", f"{resident_mb(running.pid):.0f} MB", "< 110 MB"


def images(folder: Path, port: int) -> Iterator[Line]:
    with gateway.serving(folder, [gateway.row("op1", "ocr", port)]) as running:
        cost = image.cost(running, 10_000_000)
    yield "a 10 MB image, own time", f"{cost.overhead_ms:.0f} ms", "< 120 ms"
    yield "slowest /health beside it", f"{cost.health_ms:.0f} ms", "< 100 ms"


def many(folder: Path, port: int) -> Iterator[Line]:
    models = [gateway.row("lp1", "llm", port), *(gateway.row(f"lb{n}", "llm", port) for n in range(1, 10_000))]
    for model in models[1:]:
        model["active"] = False  # or each would be asked for its name while we measure
    with gateway.serving(folder, models[:1]) as running:
        few = pace.own(running, 200, 5)
    with gateway.serving(folder, models) as running:
        all_of_them = pace.own(running, 200, 5)
    yield "own time with 1 model, p50", f"{few.p50:.2f} ms", ""
    yield "own time with 10,000 models, p50", f"{all_of_them.p50:.2f} ms", "the same"


SCENES: Mapping[str, Callable[[Path, int], Iterator[Line]]] = {
    "commands": commands,
    "start": start,
    "throughput": throughput,
    "overhead": overhead,
    "memory": memory,
    "supabase": supabase_memory,
    "images": images,
    "many": many,
    "chat": chat.whole,
    "streams": chat.streams,
    "first": chat.first,
    "idle": chat.idle,
    "steady": chat.long_run,
}


def main(names: list[str]) -> None:
    """Run these scenes, or `all` of them, and print a line for each figure as it comes."""
    names = list(SCENES) if names in ([], ["all"]) else names
    if unknown := [name for name in names if name not in SCENES]:
        raise SystemExit(f"unknown scene {', '.join(unknown)}: there are {', '.join(SCENES)}")
    require("wrk", "nginx", "taskset")
    stay_beside()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    print(f"{time.strftime('%Y-%m-%d')}, {machine}\n")
    print("| what | figure | asked |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary, upstream.static(Path(temporary)) as port:
        for name in names:
            for what, figure, asked in SCENES[name](Path(temporary), port):
                print(f"| {what} | {figure} | {asked} |", flush=True)


def _seconds(arguments: list[str], environ: Mapping[str, str], times: int = 7) -> float:
    found = []
    for _ in range(times):
        started = time.monotonic()
        subprocess.run([oneai(), *arguments], env=environ, check=True, capture_output=True)
        found.append(time.monotonic() - started)
    return statistics.median(found)


if __name__ == "__main__":
    main(sys.argv[1:])
