import io
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from oneai import logs
from oneai.logs import Log, redact


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where configured logs go; the loggers are as they were afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("oneai")
    before = root.handlers, root.level, ours.level
    written = io.StringIO()
    logs.configure("debug", written)
    yield written
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def key() -> str:
    return "oo-" + secrets.token_hex(32)


def test_an_event_is_one_json_object_with_its_fields(stream: io.StringIO) -> None:
    Log("test").info("registry_refreshed", models=5, warnings=["a\nb"])

    (line,) = lines(stream)
    assert line.pop("time")[10] == "T"
    assert line == {"level": "info", "event": "registry_refreshed", "models": 5, "warnings": ["a\nb"]}


def test_each_level_says_its_name(stream: io.StringIO) -> None:
    log = Log("test")

    log.info("a")
    log.warning("b")
    log.error("c")

    assert [line["level"] for line in lines(stream)] == ["info", "warning", "error"]


def test_times_are_utc_with_milliseconds() -> None:
    handler = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger()
    before = logger.handlers, logger.level, logging.getLogger("oneai").level
    logs.configure("info", handler.stream)
    record = logging.LogRecord("oneai.test", logging.INFO, "", 0, "event", (), None)
    record.created, record.msecs = 1_767_225_600.007, 7.0
    try:
        logger.handlers[0].handle(record)
    finally:
        logger.handlers, logger.level = before[0], before[1]
        logging.getLogger("oneai").setLevel(before[2])

    assert orjson.loads(handler.stream.getvalue())["time"] == "2026-01-01T00:00:00.007Z"


def test_an_exception_comes_with_its_traceback(stream: io.StringIO) -> None:
    try:
        raise ValueError("broken " + key())
    except ValueError:
        Log("test").exception("call_failed", route="/v1/run")

    (line,) = lines(stream)
    assert line["level"] == "error"
    assert "ValueError: broken oo-" in line["traceback"]
    assert line["route"] == "/v1/run"


def test_other_libraries_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    other = logging.getLogger("somebody.else")

    other.info("quiet")
    other.warning("loud: %s", "it broke")

    assert [line["event"] for line in lines(stream)] == ["loud: it broke"]


def test_less_than_the_level_is_not_written(stream: io.StringIO) -> None:
    logs.configure("warning", stream)

    Log("test").info("quiet")

    assert stream.getvalue() == ""


def test_no_key_in_any_field_or_traceback_is_written(stream: io.StringIO) -> None:
    secret, credential = key(), "sb_secret_" + secrets.token_urlsafe(24)
    try:
        raise RuntimeError(f"Authorization: Bearer {secret}")
    except RuntimeError:
        Log("test").exception("failed", header=f"Bearer {credential}", nested={"keys": [secret]}, plain=credential)

    text = stream.getvalue()
    assert secret[8:] not in text
    assert credential[10:] not in text
    assert secret[:7] in text


def test_what_stands_behind_a_secret_is_still_there(stream: io.StringIO) -> None:
    header = "Bearer " + secrets.token_urlsafe(24)

    Log("test").info("refused", header=header, store="sb_secret_" + secrets.token_hex(8), status=401)

    (line,) = lines(stream)
    assert (line["header"], line["store"], line["status"]) == ("Bearer …", "sb_secret_…", 401)


@pytest.mark.parametrize("value", ["caf\udce9", {1: "by number"}, 1 << 80, {"a", "b"}, object(), b"bytes"])
def test_a_field_that_is_no_json_does_not_lose_the_event(value: Any, stream: io.StringIO) -> None:
    Log("test").info("odd", value=value, status=400)

    (line,) = lines(stream)
    assert (line["event"], line["status"]) == ("odd", 400)
    assert "value" in line


def test_a_key_keeps_its_first_letters_only() -> None:
    secret = key()

    assert redact(f"the key {secret}, again {secret}.") == f"the key {secret[:7]}…, again {secret[:7]}…."


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_goes_however_it_is_written(scheme: str) -> None:
    token = secrets.token_urlsafe(32)

    assert redact(f"{scheme} {token} end") == f"{scheme} … end"


def test_a_web_token_goes() -> None:
    token = f"eyJ{secrets.token_hex(12)}.{secrets.token_hex(8)}.{secrets.token_hex(8)}"

    assert redact(f"apikey={token}&x=1") == "apikey=eyJ…&x=1"


@pytest.mark.parametrize("text", ["", "nothing here", "oo-1234", "eyJust a word", "run_0123456789abcdef", "the bearer"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
