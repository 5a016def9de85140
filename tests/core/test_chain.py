from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneai.core import chain, registry
from oneai.core.registry import Registry
from oneai.errors import InactiveModel, MissingField, NothingCanAnswer, UnknownModel, WrongDomain
from oneai.types import Domain
from tests.core.rows_of import row, todays_rows

CODES = ["op1", "op2", "op3", "vp1", "lp1", "tp1"]


def built(**fallbacks: str | None) -> Registry:
    """Active models by code with their fallbacks; a code that ends in `_` is inactive."""
    rows = [
        row(code.rstrip("_"), fallback_model_code=fallback, active=not code.endswith("_"))
        for code, fallback in fallbacks.items()
    ]
    return registry.build(rows, [])


def planned(of: Registry, start: str) -> list[str]:
    return [model.code for model in chain.plan(of, start)]


def test_todays_chain_goes_through_all_five_models() -> None:
    found = registry.build(todays_rows(), [])
    assert planned(found, chain.start(found, Domain.OCR, None)) == ["op1", "op2", "op3", "op4", "op5"]
    assert planned(found, chain.start(found, Domain.OCR, "op4")) == ["op4", "op5"]


def test_an_inactive_model_is_passed_over_to_its_own_fallback() -> None:
    assert planned(built(op1="op2", op2_="op3", op3=None), "op1") == ["op1", "op3"]
    assert planned(built(op1_="op2", op2=None), "op1") == ["op2"]


def test_a_cycle_is_survived() -> None:
    assert planned(built(op1="op2", op2="op3", op3="op2"), "op1") == ["op1", "op2", "op3"]
    assert planned(built(op1="op1"), "op1") == ["op1"]
    assert planned(built(op1_="op2", op2_="op1"), "op1") == []


def test_an_unknown_fallback_ends_the_chain() -> None:
    assert planned(built(op1="op9"), "op1") == ["op1"]
    assert planned(built(op1="op9"), "op9") == []


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(CODES), st.tuples(st.none() | st.sampled_from([*CODES, "op9"]), st.booleans())),
    st.sampled_from([*CODES, "op9"]),
)
def test_a_plan_ends_and_holds_each_active_model_once(wired: dict[str, tuple[str | None, bool]], start: str) -> None:
    rows = [row(code, fallback_model_code=fallback, active=active) for code, (fallback, active) in wired.items()]
    codes = planned(registry.build(rows, []), start)
    assert len(codes) == len(set(codes))
    assert all(wired[code][1] for code in codes)
    assert not wired.get(start, (None, False))[1] or codes[0] == start


def test_a_name_is_a_code_then_an_alias_then_a_tasks_default() -> None:
    found = registry.build([row("lp1", meta={"aliases": ["gpt-4o"]}), row("lp2")], [])
    assert [chain.resolve(found, name) for name in ("lp2", "gpt-4o", "llm")] == ["lp2", "lp1", "lp1"]
    assert [chain.resolve(found, name) for name in ("lp3", "ocr", "", "LLM")] == [None] * 4


def test_a_strange_code_that_is_a_task_word_is_first_of_all_a_code() -> None:
    found = registry.build([row("llm", domain="ocr"), row("lp1")], [])
    assert chain.resolve(found, "llm") == "llm"


def test_a_call_without_a_model_starts_at_its_tasks_default() -> None:
    assert chain.start(built(op2=None, op1_="op2"), Domain.OCR, None) == "op2"


def test_a_call_starts_at_what_its_model_stands_for() -> None:
    found = registry.build([row("lp1", meta={"aliases": ["gpt-4o"]})], [])
    assert [chain.start(found, Domain.LLM, name) for name in ("lp1", "gpt-4o", "llm")] == ["lp1"] * 3


def test_an_inactive_model_starts_a_call_when_an_active_one_is_behind_it() -> None:
    found = built(op1_="op2", op2_="op3", op3=None)
    assert chain.start(found, Domain.OCR, "op1") == "op1"
    assert planned(found, "op1") == ["op3"]


def test_an_inactive_model_with_none_behind_it_is_named_so() -> None:
    with pytest.raises(InactiveModel, match="Model op1 is inactive"):
        chain.start(built(op1_="op2", op2_="op1"), None, "op1")


def test_an_unknown_model_is_named_and_cut_short() -> None:
    with pytest.raises(UnknownModel, match="No model op9") as caught:
        chain.start(built(op1=None), Domain.OCR, "op9")
    assert caught.value.param == "model"
    with pytest.raises(UnknownModel) as caught:
        chain.start(built(op1=None), Domain.OCR, "x" * 100_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("task", "model"),
    [("ocr", "vp1"), ("vision", "op1"), ("llm", "tp1"), ("tools", "lp1"), (None, "op1"), ("ocr", "vision")],
)
def test_tasks_cross_between_ocr_and_vision_and_between_llm_and_tools(task: str | None, model: str) -> None:
    found = built(op1=None, vp1=None, lp1=None, tp1=None)
    assert chain.start(found, Domain(task) if task else None, model) == {"vision": "vp1"}.get(model, model)


@pytest.mark.parametrize(
    ("task", "model"), [("ocr", "lp1"), ("llm", "vp1"), ("tools", "op1"), ("embed", "lp1"), ("llm", "ocr")]
)
def test_other_tasks_do_not_cross(task: str, model: str) -> None:
    with pytest.raises(WrongDomain, match=f"cannot do task {task}"):
        chain.start(built(op1=None, vp1=None, lp1=None, tp1=None), Domain(task), model)


@pytest.mark.parametrize(("task", "model"), [("llm", None), ("llm", "llm"), (None, "llm")])
def test_a_task_without_an_active_model_says_which_command_adds_one(task: str | None, model: str | None) -> None:
    with pytest.raises(NothingCanAnswer, match="no active model does llm; `oneai models add`") as caught:
        chain.start(built(op1=None, lp1_=None, lv1=None), Domain(task) if task else None, model)
    assert caught.value.retry_after_s


def test_a_call_names_a_task_or_a_model() -> None:
    with pytest.raises(MissingField, match="task is missing"):
        chain.start(built(op1=None), None, None)


@pytest.mark.parametrize(
    "links",
    [
        {},
        {"op1": "op2"},
        {"op1": None},
        {"op1": "vp1", "vp1": "op2"},
        {"op2": None, "op3": "op1"},
    ],
)
def test_a_sound_wiring_has_no_fault(links: dict[str, str | None]) -> None:
    assert chain.wiring_faults(built(op1="op2", op2="op3", op3=None, vp1=None, lp1=None), links) == []


@pytest.mark.parametrize(
    ("links", "fault"),
    [
        ({"op9": "op1"}, "op9: is not registered"),
        ({"op9": None}, "op9: is not registered"),
        ({"op3": "op9"}, "op3: its fallback op9 is not registered"),
        ({"op3": "op1"}, "op1: its chain would come back to itself: op1 → op2 → op3 → op1"),
        ({"op3": "op3"}, "op3: its chain would come back to itself: op3 → op3"),
        ({"op3": "lp1"}, "op3: its fallback lp1 is of domain llm, which ocr may not cross to"),
    ],
)
def test_a_fault_of_a_wiring_is_named(links: dict[str, str | None], fault: str) -> None:
    assert chain.wiring_faults(built(op1="op2", op2="op3", op3=None, vp1=None, lp1=None), links) == [fault]


def test_links_are_judged_together() -> None:
    found = built(op1="op2", op2=None)
    assert chain.wiring_faults(found, {"op2": "op1"}) != []
    assert chain.wiring_faults(found, {"op2": "op1", "op1": None}) == []


def test_a_cycle_that_stood_before_is_not_the_new_links_fault() -> None:
    found = built(op1="op2", op2="op1", op3=None)
    assert chain.wiring_faults(found, {"op3": "op1"}) == []
    assert chain.wiring_faults(found, {"op2": None}) == []


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(CODES), st.none() | st.sampled_from(CODES)))
def test_a_wiring_without_fault_builds_without_a_warning(links: dict[str, Any]) -> None:
    before = built(**dict.fromkeys(CODES))
    after = built(**{**dict.fromkeys(CODES), **links})
    assert (chain.wiring_faults(before, links) == []) == (after.warnings == ())
