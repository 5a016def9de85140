"""`python -m bench.profile run|chat|streams|packed [floor]`: what a call costs, and where its processor time goes."""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from bench import gateway, load, upstream
from bench.ask import CHAT, RUN, STREAM, Ask
from bench.gateway import Running
from bench.process import stay_beside

KINDS: Mapping[str, tuple[Ask, str]] = {
    "run": (RUN, upstream.WHOLE),
    "chat": (CHAT, upstream.WHOLE),
    "streams": (STREAM, upstream.STREAMED),
    "packed": (STREAM, upstream.PACKED),
}


def main(kind: str, what: str = "gateway") -> None:
    """Under the bench's load, sampled."""
    stay_beside()
    ask, place = KINDS[kind]
    with tempfile.TemporaryDirectory() as temporary, upstream.static(Path(temporary)) as port:
        folder = Path(temporary)
        report = folder / "report.txt"
        with _sampled(what, folder, report, port, place) as running:
            told = load.flat_out(running, folder, ask)
        print(f"{told.per_s:,.0f} calls/s; {1e6 / told.per_cpu_s:,.0f} µs of processor time each, sampling included")
        print(report.read_text() if report.exists() else "no report: it did not stop by itself")


def _sampled(what: str, folder: Path, report: Path, port: int, place: str) -> AbstractContextManager[Running]:
    sampled = [sys.executable, "-m", "bench.sampled", str(report)]
    if what == "floor":
        return gateway.floor(folder, gateway.endpoint(port, place), [*sampled, "bench.floor"])
    return gateway.serving(folder, [gateway.row("lp1", "llm", port, place)], command=[*sampled, "oneai"])


if __name__ == "__main__":
    main(*sys.argv[1:])
