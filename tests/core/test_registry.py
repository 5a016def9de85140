from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneai.core import keys, registry
from oneai.core.registry import Registry
from oneai.types import Domain, Key
from tests.core.rows_of import key_row, row, todays_rows

KEY = keys.generate(bytes(range(32)))
HASH = keys.hash_of(KEY)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
codes_and_junk = st.sampled_from(["op1", "op2", "lp1", "OP1", "my-model", "o", "ocr"]) | junk
meta_of_junk = st.dictionaries(
    st.sampled_from(
        ["name", "description", "credential_env", "served_model", "price", "max_in_flight", "when_busy",
         "health_path", "aliases", "paths", "removed_at"]
    ),
    junk,
)  # fmt: skip
rows_of_junk = st.fixed_dictionaries(
    {},
    optional={
        "model_code": codes_and_junk,
        "domain": st.sampled_from(Domain).map(str) | junk,
        "role": st.sampled_from(["primary", "backup", "validation"]) | junk,
        "provider": junk,
        "endpoint": st.sampled_from(["http://gpu.example", "https://[::1]:9/v1"]) | junk,
        "timeout_ms": junk,
        "max_tokens": junk,
        "active": junk,
        "fallback_model_code": codes_and_junk,
        "meta": meta_of_junk | junk,
    },
)
key_rows_of_junk = st.fixed_dictionaries(
    {},
    optional={
        "key_hash": st.sampled_from([HASH, keys.hash_of("b")]) | junk,
        "name": st.just(HASH) | junk,
        "allow": st.lists(st.text() | junk) | junk,
        "admin": junk,
        "expires_at": st.just(HASH) | junk,
        "max_in_flight": st.just(HASH) | junk,
        "revoked_at": junk,
    },
)


def warned(of: Registry) -> list[tuple[str, str]]:
    return [(warning.model, warning.field) for warning in of.warnings]


def test_todays_five_models_are_read_without_a_warning() -> None:
    found = registry.build(todays_rows(), [])
    assert list(found.models) == ["op1", "op2", "op3", "op4", "op5"]
    assert [model.fallback for model in found.models.values()] == ["op2", "op3", "op4", "op5", None]
    assert (found.models["op2"].name, found.models["op2"].provider) == ("GOT-OCR-2", "got-ocr")
    assert found.models["op5"].endpoint == "http://spark.example:8004/v1/chat/completions"
    assert found.defaults == {Domain.OCR: "op1"}
    assert found.warnings == ()


def test_nothing_makes_an_empty_registry() -> None:
    assert registry.build([], []) == Registry(models={}, keys={}, aliases={}, defaults={})


def test_a_registry_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        registry.build([], []).models = {}  # type: ignore[misc]


@unhurried
@given(st.lists(rows_of_junk | junk, max_size=6), st.lists(key_rows_of_junk | junk, max_size=4))
def test_no_row_of_junk_ever_raises(models: list[Any], keys: list[Any]) -> None:
    found = registry.build(models, keys)
    assert all(code == model.code for code, model in found.models.items())
    assert all(found.models[code].active for code in found.defaults.values())
    assert not any(HASH in warning.what + warning.field for warning in found.warnings)


@unhurried
@given(st.lists(rows_of_junk, max_size=4))
def test_a_row_of_junk_never_takes_out_a_sound_one(models: list[Any]) -> None:
    assert registry.build([row("rp9"), *models], []).models["rp9"].endpoint == row("rp9")["endpoint"]


def test_a_tasks_chain_starts_by_role_then_index_at_an_active_model_never_at_a_validation_one() -> None:
    rows = [row("ov1"), row("os1"), row("ob1"), row("op10"), row("op9"), row("op2", active=False), row("lv1")]
    assert registry.build(rows, []).defaults == {Domain.OCR: "op9"}
    assert registry.build(rows[:3], []).defaults == {Domain.OCR: "ob1"}
    assert registry.build(rows[:2], []).defaults == {Domain.OCR: "os1"}
    assert registry.build(rows[:1], []).defaults == {}


def test_a_strange_code_serves_but_does_not_displace_a_plain_one() -> None:
    assert registry.build([row("a-model")], []).defaults == {Domain.OCR: "a-model"}
    assert registry.build([row("a-model"), row("op7"), row("ob1")], []).defaults == {Domain.OCR: "op7"}
    assert registry.build([row("a-model"), row("ob1")], []).defaults == {Domain.OCR: "a-model"}


def test_a_code_that_stands_twice_counts_once() -> None:
    found = registry.build([row("op1"), row("op1", timeout_ms=1)], [])
    assert found.models["op1"].timeout_ms == 120_000
    assert warned(found) == [("op1", "model_code")]


def test_a_fallback_that_is_not_registered_is_warned_of() -> None:
    rows = [row("op1", fallback_model_code="op2"), row("op2", meta={"removed_at": "2026-01-01T00:00:00Z"})]
    found = registry.build(rows, [])
    assert warned(found) == [("op1", "fallback_model_code")]
    assert "op2 is not registered" in found.warnings[0].what


def test_a_cycle_is_warned_of_once() -> None:
    rows = [row("op2", fallback_model_code="op1"), row("op1", fallback_model_code="op2"), row("op3")]
    found = registry.build(rows, [])
    assert warned(found) == [("op1", "fallback_model_code")]
    assert "op1 → op2 → op1" in found.warnings[0].what


def test_a_model_that_falls_back_to_itself_is_a_cycle() -> None:
    assert warned(registry.build([row("op1", fallback_model_code="op1")], [])) == [("op1", "fallback_model_code")]


def test_only_a_forbidden_crossing_is_warned_of() -> None:
    rows = [
        row("op1", fallback_model_code="vp1"),
        row("vp1"),
        row("tp1", fallback_model_code="lp1"),
        row("lp1", fallback_model_code="ep1"),
        row("ep1"),
    ]
    assert warned(registry.build(rows, [])) == [("lp1", "fallback_model_code")]


def test_an_alias_leads_to_its_model() -> None:
    found = registry.build([row("lp1", meta={"aliases": ["gpt-4o", "qwen"]})], [])
    assert found.aliases == {"gpt-4o": "lp1", "qwen": "lp1"}
    assert found.warnings == ()


def test_an_alias_that_is_taken_a_code_or_a_task_word_is_ignored_with_a_warning() -> None:
    rows = [
        row("lp1", meta={"aliases": ["qwen"]}),
        row("lp2", meta={"aliases": ["qwen", "my-model", "op7", "vision", "mine"]}),
        row("my-model"),
    ]
    found = registry.build(rows, [])
    assert found.aliases == {"qwen": "lp1", "mine": "lp2"}
    assert warned(found) == [("lp2", "meta.aliases")] * 4


def test_an_override_reaches_its_model_and_its_chain() -> None:
    found = registry.build([row("op1"), row("op2")], [], {"op1": {"fallback": "op2", "timeout_ms": 9000}})
    assert (found.models["op1"].fallback, found.models["op1"].timeout_ms) == ("op2", 9000)
    assert found.models["op1"].overridden == {"fallback": "MODEL_OP1_FALLBACK", "timeout_ms": "MODEL_OP1_TIMEOUT"}
    assert found.models["op2"].overridden == {}
    assert found.warnings == ()


def test_an_override_for_an_unknown_code_warns_and_creates_nothing() -> None:
    found = registry.build([row("op1")], [], {"op9": {"endpoint": "http://gpu.example"}})
    assert list(found.models) == ["op1"]
    assert warned(found) == [("op9", "MODEL_OP9_*")]


def test_an_override_that_wires_a_fault_is_warned_of() -> None:
    assert warned(registry.build([row("op1")], [], {"op1": {"fallback": "op9"}})) == [("op1", "fallback_model_code")]


def test_keys_are_found_by_hash_with_those_of_the_environment() -> None:
    (listed,) = keys.from_environment(["other"], admin=True)
    found = registry.build([], [key_row(HASH)], environment_keys=[listed])
    assert {key.name for key in found.keys.values()} == {"n8n", listed.name}
    assert keys.find(found.keys, KEY, 0).name == "n8n"
    assert keys.find(found.keys, "other", 0).admin
    assert found.stored_keys == {HASH}


def test_a_revoked_row_beats_an_environment_key() -> None:
    listed = keys.from_environment([KEY], admin=True)
    found = registry.build([], [key_row(HASH, revoked_at="2026-01-01T00:00:00Z")], environment_keys=listed)
    assert found.keys[HASH].revoked
    assert not found.keys[HASH].admin


def test_an_environment_key_beats_a_row_that_is_not_revoked() -> None:
    listed = keys.from_environment([f"mine={KEY}"], admin=False)
    found = registry.build([], [key_row(HASH, allow=["op1"])], environment_keys=listed)
    assert found.keys[HASH] == Key(hash=HASH, name="mine")
    assert found.stored_keys == {HASH}


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_key_listed_as_client_and_as_admin_is_an_admin(order: tuple[bool, bool]) -> None:
    listed = [key for admin in order for key in keys.from_environment([KEY], admin=admin)]
    assert registry.build([], [], environment_keys=listed).keys[HASH].admin


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_rows_of_a_hash_the_revoked_one_counts(turned: bool) -> None:
    rows = [key_row(HASH), key_row(HASH.upper(), revoked_at="2026-01-01T00:00:00Z")]
    found = registry.build([], rows[::-1] if turned else rows)
    assert found.keys[HASH].revoked
    assert warned(found) == [("", "api_keys.key_hash")]


def test_a_bad_key_row_takes_out_only_itself() -> None:
    found = registry.build([], [key_row(HASH, expires_at="soon"), key_row(keys.hash_of("b"))])
    assert list(found.keys) == [keys.hash_of("b")]
    assert warned(found) == [("", "api_keys.expires_at")]
