"""`GET /metrics`: text that Prometheus can read, under the names that were agreed."""

import re

from tests.fakes import model_server
from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import Gate

HI = {"task": "llm", "input": {"text": "Hi"}}
_SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (-?[0-9.e+-]+|\+Inf)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
AGREED = {
    "oneai_requests_total": "counter",
    "oneai_request_duration_seconds": "histogram",
    "oneai_overhead_seconds": "histogram",
    "oneai_upstream_seconds": "histogram",
    "oneai_tokens_total": "counter",
    "oneai_in_flight": "gauge",
    "oneai_fallbacks_total": "counter",
    "oneai_circuit_state": "gauge",
    "oneai_journal_rows": "gauge",
    "oneai_usage_dropped_total": "counter",
    "oneai_store_up": "gauge",
    "oneai_registry_age_seconds": "gauge",
}


def parsed(text: str) -> tuple[dict[str, str], Samples]:
    """Kinds by family, values by name and labels; every line must be one or the other, and no sample stands twice."""
    kinds: dict[str, str] = {}
    samples: Samples = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = _SAMPLE.fullmatch(line)
            assert match, line
            key = (match[1], frozenset(_LABEL.findall(match[2] or "")))
            assert key not in samples, line
            samples[key] = float(match[3])
    return kinds, samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def scraped(gate: Gate) -> tuple[dict[str, str], Samples, str]:
    said = await gate.get("/metrics", "admin")
    assert said.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return *parsed(said.body.decode()), said.body.decode()


async def test_every_agreed_name_is_there_with_its_kind(gate: Gate) -> None:
    kinds, _, _ = await scraped(gate)
    assert kinds.items() >= AGREED.items()


async def test_what_happened_is_counted(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.resets
    await gate.run(HI)
    await gate.run({"task": "nope", "input": {"text": "x"}})
    _, samples, _ = await scraped(gate)
    run = {"route": "/v1/run"}
    assert value(samples, "oneai_requests_total", **run, task="llm", model="lp2", status="200") == 1
    assert value(samples, "oneai_requests_total", **run, task="", model="", status="400") == 1
    assert value(samples, "oneai_tokens_total", model="lp2", direction="in") == 12
    assert value(samples, "oneai_tokens_total", model="lp2", direction="out") == 3
    fallback = {"from": "lp1", "to": "lp2", "reason": "connection_lost"}
    assert value(samples, "oneai_fallbacks_total", **fallback) == 1
    assert value(samples, "oneai_upstream_seconds_count", model="lp1") == 1
    assert value(samples, "oneai_overhead_seconds_count") == 1
    assert value(samples, "oneai_journal_rows") >= 0
    assert value(samples, "oneai_store_up") == 1


async def test_a_circuits_state_and_what_is_in_flight_are_shown(gate: Gate, server: ModelServer) -> None:
    server.default = model_server.closes
    for _ in range(5):
        await gate.run(HI | {"model": "lp1", "fallback": False})
    _, samples, _ = await scraped(gate)
    assert value(samples, "oneai_circuit_state", model="lp1") == 2
    assert value(samples, "oneai_circuit_state", model="lp2") == 0
    assert value(samples, "oneai_in_flight", model="lp1") == 0


async def test_buckets_grow_and_end_in_the_count(gate: Gate) -> None:
    for _ in range(3):
        await gate.run(HI)
    _, samples, _ = await scraped(gate)
    buckets = {
        dict(labels)["le"]: n for (name, labels), n in samples.items() if name == "oneai_overhead_seconds_bucket"
    }
    ordered = [n for _, n in sorted((float(le.replace("+Inf", "inf")), n) for le, n in buckets.items())]
    assert ordered == sorted(ordered)
    assert buckets["+Inf"] == value(samples, "oneai_overhead_seconds_count") == 3


async def test_no_label_holds_a_key_or_a_request_id(gate: Gate) -> None:
    await gate.run(HI, headers={"X-Request-Id": "very-own-id"})
    await gate.get("/very-own-path", "plain")
    _, _, text = await scraped(gate)
    assert "very-own" not in text
    assert not [key for key in (*gate.keys.values(), gate.admin) if key[3:11] in text]
