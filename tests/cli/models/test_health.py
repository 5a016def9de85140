"""`oneai models health`."""

import asyncio
from pathlib import Path

from oneai.store import HealthDelta, opened
from tests.cli.conftest import Answering, Cli


def test_an_unhealthy_active_model_is_exit_7(gateway: Answering, chain: Cli) -> None:
    entry = {"code": "op2", "circuit": "open", "status": "unhealthy", "p95_latency_ms": 80}
    gateway.answers["GET /models?all=true"] = (200, {"models": [entry]})
    ended = chain("models", "health", "--json")
    assert ended.code == 7
    assert {model["code"]: model["status"] for model in ended.json["models"]}["op2"] == "unhealthy"
    assert chain("models", "health", "op1").code == 0
    chain("models", "disable", "op2")
    assert chain("models", "health").code == 0


def test_nothing_known_is_said_to_be_unknown(chain: Cli) -> None:
    ended = chain("models", "health", "--json")
    assert (ended.code, ended.json["circuits_from"]) == (0, "store")
    assert {model["status"] for model in ended.json["models"]} == {"unknown"}


def test_reset_closes_the_circuit_through_the_gateway(gateway: Answering, chain: Cli) -> None:
    answer = {"code": "op1", "circuit": "closed", "was": "open"}
    gateway.answers["POST /admin/models/op1/reset"] = (200, answer)
    assert "it was open" in chain("models", "health", "op1", "--reset").out
    assert chain("models", "health", "op1", "--reset", "--json").json == answer


def test_reset_without_a_gateway_is_unreachable(chain: Cli) -> None:
    ended = chain("models", "health", "op1", "--reset", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "gateway_unreachable")


def test_reset_takes_a_code(chain: Cli) -> None:
    assert chain("models", "health", "--reset").code == 2


def test_reset_with_a_key_that_is_no_admin_s_is_refused(gateway: Answering, chain: Cli) -> None:
    refusal = {"error": {"message": "This path needs an admin key.", "code": "admin_key_required", "param": None}}
    gateway.answers["POST /admin/models/op1/reset"] = (403, refusal)
    ended = chain("models", "health", "op1", "--reset", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (5, "admin_key_required")


def test_a_narrow_terminal_has_room_for_what_went_wrong(gateway: Answering, chain: Cli, home: Path) -> None:
    delta = HealthDelta(
        model_code="op1", successes=0, failures=3, consecutive_failures=3, status="unhealthy", circuit_state="open",
        circuit_opened_at=None, last_success_at=None, last_failure_at=None, avg_latency_ms=None, p95_latency_ms=None,
        last_error_message="unreachable: refused", updated_at="2026-11-01T00:00:00Z",
    )  # fmt: skip

    async def write() -> None:
        async with opened(f"sqlite:{home / 'oneai.db'}") as store:
            await store.merge_health([delta])

    asyncio.run(write())
    told = chain("models", "health", width=80).out
    assert "unreachable: refused" in told
    assert max(map(len, told.splitlines())) <= 80
