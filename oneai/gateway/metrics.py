"""`GET /metrics`: the counters as Prometheus text, rendered here and only here."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from aiohttp import web

from oneai.core.breaker import State
from oneai.core.metrics import SECONDS, Histogram
from oneai.gateway.visit import Visit
from oneai.runtime import Runtime

_CIRCUIT = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
Labels = dict[str, str]


async def scrape(runtime: Runtime, visit: Visit) -> web.Response:
    """Text format 0.0.4."""
    text = "\n".join(_lines(runtime)) + "\n"
    return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _lines(runtime: Runtime) -> Iterator[str]:
    metrics, report = runtime.metrics, runtime.report()
    requests = (
        ({"route": r, "task": t, "model": m, "status": str(s)}, n) for (r, t, m, s), n in metrics.requests.items()
    )
    yield from _family("oneai_requests_total", "counter", "Requests answered.", requests)
    yield from _histogram("oneai_request_duration_seconds", "From request to response.", [({}, metrics.duration)])
    yield from _histogram("oneai_overhead_seconds", "The gateway's own part of a call.", [({}, metrics.overhead)])
    upstream = (({"model": model}, histogram) for model, histogram in metrics.upstream.items())
    yield from _histogram("oneai_upstream_seconds", "Attempts, by model.", upstream)
    first = (({"model": model}, histogram) for model, histogram in metrics.first_token.items())
    yield from _histogram("oneai_time_to_first_token_seconds", "To a stream's first content, by model.", first)
    attempts = (({"model": m, "outcome": o}, n) for (m, o), n in metrics.attempts.items())
    yield from _family("oneai_attempts_total", "counter", "Attempts and models passed over, by outcome.", attempts)
    tokens = (({"model": m, "direction": d}, n) for (m, d), n in metrics.tokens.items())
    yield from _family("oneai_tokens_total", "counter", "Tokens in and out.", tokens)
    fallbacks = (({"from": a, "to": b, "reason": r}, n) for (a, b, r), n in metrics.fallbacks.items())
    yield from _family("oneai_fallbacks_total", "counter", "Calls that went on to the next model.", fallbacks)
    models = list(runtime.registry.models.values())
    in_flight = (({"model": m.code}, runtime.pipeline.availability.room(m).in_flight) for m in models)
    yield from _family("oneai_in_flight", "gauge", "Attempts under way.", in_flight)
    circuits = (({"model": m.code}, _CIRCUIT[runtime.pipeline.availability.circuit(m.code).state]) for m in models)
    yield from _family("oneai_circuit_state", "gauge", "0 closed, 1 half_open, 2 open.", circuits)
    yield from _one("oneai_journal_rows", "gauge", "Usage rows not yet in the store.", report.journal["rows"])
    yield from _one("oneai_usage_dropped_total", "counter", "Usage rows given up.", report.journal["dropped"])
    yield from _one("oneai_store_up", "gauge", "Whether the store answered when last asked.", int(report.store["up"]))
    yield from _one("oneai_registry_age_seconds", "gauge", "Since the registry was last read.", report.registry_age_s)


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {value}"


def _one(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    return _family(name, kind, text, [({}, value)])


def _histogram(name: str, text: str, samples: Iterable[tuple[Labels, Histogram]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    for labels, histogram in samples:
        counts = list(accumulate(histogram.counts))
        for bound, count in zip((*map(str, SECONDS), "+Inf"), counts, strict=True):
            yield f"{name}_bucket{_labels(labels | {'le': bound})} {count}"
        yield f"{name}_sum{_labels(labels)} {histogram.total}"
        yield f"{name}_count{_labels(labels)} {counts[-1]}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    escaped = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(escaped) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
