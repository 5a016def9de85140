from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core.usage import as_uuid, row, timestamp
from oneai.types import Attempt, Domain, Origin, Usage
from tests.core.run_calls import call

TODAYS_COLUMNS = {
    "id",
    "tenant_id",
    "doc_id",
    "model_code",
    "task",
    "wf_run_id",
    "tokens_in",
    "tokens_out",
    "latency_ms",
    "cost_usd",
    "success",
    "error_class",
    "created_at",
}
TENANT = "0190b8f2-7c1e-7a3b-8f00-0123456789ab"
CALL = replace(
    call(Domain.OCR, "transcript"),
    requested="op1",
    origin=Origin(tenant_id=TENANT, doc_id="invoice-7", wf_run_id="4711"),
)
ATTEMPT = Attempt(
    model="op2",
    outcome="ok",
    id="0190b8f2-7c1e-7a3b-8f00-000000000001",
    provider="got-ocr",
    started_at=1_767_225_600.25,
    latency_ms=640,
    status=200,
    circuit="half_open",
    usage=Usage(tokens_in=1203, tokens_out=412, cost_usd=0.5),
    finish_reason="stop",
    ttft_ms=90,
)


def test_a_row_has_every_column_of_todays_table() -> None:
    made = row(CALL, ATTEMPT, 2)

    assert made.keys() >= TODAYS_COLUMNS
    assert {name: made[name] for name in TODAYS_COLUMNS} == {
        "id": ATTEMPT.id,
        "tenant_id": TENANT,
        "doc_id": "invoice-7",
        "model_code": "op2",
        "task": "ocr",
        "wf_run_id": as_uuid("4711"),
        "tokens_in": 1203,
        "tokens_out": 412,
        "latency_ms": 640,
        "cost_usd": 0.5,
        "success": True,
        "error_class": None,
        "created_at": "2026-01-01T00:00:00.250Z",
    }


def test_a_row_says_what_was_asked_and_how_it_went() -> None:
    made = row(CALL, ATTEMPT, 2)

    assert {name: value for name, value in made.items() if name not in TODAYS_COLUMNS} == {
        "call_id": "run_1",
        "request_id": "r1",
        "key_name": "test",
        "profile": "transcript",
        "provider": "got-ocr",
        "attempt": 2,
        "requested_model": "op1",
        "ttft_ms": 90,
        "finish_reason": "stop",
        "status": 200,
        "message": None,
        "circuit": "half_open",
        "tenant": TENANT,
        "run": "4711",
    }


def test_a_failed_attempt_has_a_row_with_its_outcome_for_a_class() -> None:
    made = row(CALL, replace(ATTEMPT, outcome="timeout", usage=Usage(), message="no answer"), 1)

    assert (made["success"], made["error_class"], made["message"]) == (False, "timeout", "no answer")
    assert (made["tokens_in"], made["tokens_out"], made["cost_usd"]) == (None, None, None)


def test_a_row_never_holds_the_keys_hash() -> None:
    assert CALL.key.hash not in row(CALL, ATTEMPT, 1).values()


def test_a_uuid_stays_what_it_is() -> None:
    assert as_uuid(TENANT) == TENANT
    assert as_uuid(TENANT.upper()) == TENANT
    assert as_uuid(TENANT.replace("-", "")) == TENANT


@pytest.mark.parametrize("text", [None, ""])
def test_no_tenant_is_no_uuid(text: str | None) -> None:
    assert as_uuid(text) is None


def test_the_uuid_of_a_name_never_changes() -> None:
    assert as_uuid("acme") == "86084dc3-3e44-5948-b32a-42f41881ea2d"
    assert UUID(as_uuid("acme")).version == 5


def test_a_header_that_is_no_utf_8_has_a_uuid_too() -> None:
    latin = b"caf\xe9".decode("utf-8", "surrogateescape")

    assert UUID(as_uuid(latin)).version == 5


@given(st.text(st.characters(), min_size=1))
def test_every_name_has_a_uuid_and_always_the_same(name: str) -> None:
    made = as_uuid(name)

    assert made == as_uuid(name)
    assert str(UUID(made)) == made


@pytest.mark.parametrize(
    ("epoch_s", "expected"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600.0, "2026-01-01T00:00:00.000Z"),
        (1_767_225_600.9996, "2026-01-01T00:00:00.999Z"),
    ],
)
def test_a_timestamp_is_utc_with_milliseconds(epoch_s: float, expected: str) -> None:
    assert timestamp(epoch_s) == expected


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_timestamps_have_one_width_and_sort_as_times_do(one: float, other: float) -> None:
    earlier, later = sorted((one, other))

    assert len(timestamp(earlier)) == len(timestamp(later)) == 24
    assert timestamp(earlier) <= timestamp(later)
