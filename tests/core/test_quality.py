from typing import Any

import pytest

from oneai.core import quality
from oneai.profiles import Profile, load
from oneai.types import Domain, Reply
from tests.core.run_calls import PAGE, call

STRICT = Profile(task=Domain.OCR, name="default", gate=("empty", "abort"))
READ = call(Domain.OCR, images=(PAGE,))


def reply(text: str = "", finish_reason: str | None = "stop", **output: Any) -> Reply:
    return Reply(output={"text": text, **output}, finish_reason=finish_reason)


def test_every_gate_that_a_profile_lists_exists() -> None:
    assert {name for profile in load().merged.values() for name in profile.gate} <= quality.GATES.keys()


def test_a_reply_with_text_passes() -> None:
    assert quality.judge(STRICT, READ, reply("Page")) is None


@pytest.mark.parametrize("text", ["", " \n\t ", "\u00a0\u3000"])
def test_whitespace_is_empty(text: str) -> None:
    assert quality.judge(STRICT, READ, reply(text)) == "the reply has no text"


def test_a_reply_with_tool_calls_is_not_empty() -> None:
    assert quality.judge(STRICT, READ, reply(tool_calls=[{"id": "1"}])) is None


def test_an_abort_is_judged_before_emptiness() -> None:
    reason = quality.judge(STRICT, READ, reply("", "abort"))
    assert reason is not None
    assert "abort" in reason


def test_a_reply_cut_at_max_tokens_passes() -> None:
    assert quality.judge(STRICT, READ, reply("Page", "length")) is None


def test_only_what_the_profile_lists_is_judged() -> None:
    assert quality.judge(Profile(task=Domain.LLM, name="default"), READ, reply("", "abort")) is None
    lenient = Profile(task=Domain.LLM, name="default", gate=("abort",))
    assert quality.judge(lenient, READ, reply("")) is None


@pytest.mark.parametrize("task", [Domain.OCR, Domain.VISION])
def test_a_connectivity_test_is_not_judged(task: Domain) -> None:
    assert quality.judge(STRICT, call(task, text="test"), reply("")) is None


def test_a_page_inside_messages_is_judged() -> None:
    asked = call(Domain.OCR, messages=({"role": "user", "content": []},))
    assert quality.judge(STRICT, asked, reply("")) == "the reply has no text"


def test_no_reason_quotes_the_reply() -> None:
    assert "secret" not in (quality.judge(STRICT, READ, reply("secret words", "abort")) or "")
