import inspect
import string
from collections import Counter
from http import HTTPStatus
from typing import Any

import pytest

from oneai import errors
from oneai.errors import OneAIError, Refused

CLASSES = sorted(
    (each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, OneAIError)),
    key=lambda each: each.__name__,
)
RELAYING: set[type[OneAIError]] = {Refused}
"""What they say came from elsewhere, and so do their status and code."""
REWORDED: set[type[OneAIError]] = {errors.NotServed, errors.OcrBodyTooLarge, errors.OcrUnknownPath, errors.UnknownCodes}
"""The same fault in the words of the OCR server or of the command line: a client may treat it alike."""


def facts(kind: type[OneAIError]) -> dict[str, Any]:
    """A value for each name in the class's docstring, a number where it is formatted as one."""
    fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    made: dict[str, Any] = {name: 12.5 if spec else f"<{name}>" for name, spec in fields}
    return made | ({"status": 418, "code": "teapot"} if kind in RELAYING else {})


@pytest.mark.parametrize("kind", CLASSES)
def test_the_docstring_is_the_message_with_its_own_facts_in_it(kind: type[OneAIError]) -> None:
    given = facts(kind)

    message = kind(**given).message

    assert message == " ".join(str(kind.__doc__).format(**given).split())
    assert not set("{}") & set(message)
    for name in given.keys() - {"code"}:
        assert f"{given[name]:g}" if isinstance(given[name], float) else str(given[name]) in message


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_a_message_of_its_own(kind: type[OneAIError]) -> None:
    assert "__doc__" in kind.__dict__
    assert len(kind.__doc__ or "") > 3
    assert sum(kind.__doc__ == other.__doc__ for other in CLASSES) == 1 or kind.__doc__ == "{what}"


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_a_status_a_code_a_type_and_an_exit_code(kind: type[OneAIError]) -> None:
    assert 400 <= HTTPStatus(kind.status) <= 599
    assert kind.code
    assert not set(kind.code) - set(string.ascii_lowercase + string.digits + "_")
    assert kind.type.endswith("_error") or kind is errors.NotServed  # a model server's word, as vLLM has it
    assert 1 <= kind.exit_code <= 7


def test_no_two_classes_share_a_code() -> None:
    codes = Counter(kind.code for kind in CLASSES if kind not in RELAYING | REWORDED)

    assert {code: count for code, count in codes.items() if count > 1} == {}


@pytest.mark.parametrize("kind", [each for each in CLASSES if each in REWORDED])
def test_a_reworded_error_is_its_parent_in_all_but_the_words(kind: type[OneAIError]) -> None:
    parent = kind.__bases__[0]

    assert issubclass(parent, OneAIError)
    assert (kind.status, kind.code, kind.exit_code) == (parent.status, parent.code, parent.exit_code)


def test_every_class_says_its_code_itself_and_inherits_none() -> None:
    silent = [kind.__name__ for kind in CLASSES if "code" not in kind.__dict__ and kind not in RELAYING | REWORDED]

    assert silent == []


@pytest.mark.parametrize("kind", CLASSES)
def test_no_message_shows_an_address_or_blames_without_a_word(kind: type[OneAIError]) -> None:
    message = kind(**facts(kind)).message

    assert "http://" not in message
    assert "Traceback" not in message


def test_braces_in_facts_are_no_placeholders() -> None:
    assert errors.BadRequest(what="{0} {name} {").message == "{0} {name} {"


def test_an_error_carries_param_and_retry_after() -> None:
    error = errors.BadField(field="task", found="'x'", accepted="ocr")
    busy = errors.ModelsBusy(retry_after_s=2.5, trail="op1=busy")

    assert (error.param, error.retry_after_s, error.attempts) == ("task", None, ())
    assert (busy.param, busy.retry_after_s) == (None, 2.5)


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 2), (401, 5), (403, 5), (404, 3), (409, 4), (413, 2), (422, 2), (502, 1), (500, 1)]
)
def test_what_the_gateway_refused_exits_as_its_status_says(status: int, exit_code: int) -> None:
    error = Refused(status=status, code="some_code", said="No.", param="task")

    assert (error.status, error.code, error.param, error.exit_code) == (status, "some_code", "task", exit_code)
    assert error.message == f"The gateway answered {status}: No."


@pytest.mark.parametrize(
    ("kind", "status", "exit_code"),
    [
        (errors.BadRequest, 400, 2),
        (errors.NoKey, 401, 5),
        (errors.RevokedKey, 401, 5),
        (errors.Forbidden, 403, 5),
        (errors.NotAdmin, 403, 5),
        (errors.UnknownModel, 404, 3),
        (errors.UnknownPath, 404, 3),
        (errors.MethodNotAllowed, 405, 1),
        (errors.ClientTooSlow, 408, 1),
        (errors.Conflict, 409, 4),
        (errors.TooLarge, 413, 1),
        (errors.TooManyCalls, 429, 1),
        (errors.ModelsBusy, 429, 1),
        (errors.ChainExhausted, 502, 1),
        (errors.NothingCanAnswer, 503, 1),
        (errors.Draining, 503, 1),
        (errors.DeadlinePassed, 504, 1),
        (errors.BadSetting, 500, 2),
        (errors.GatewayAway, 500, 6),
        (errors.StoreAway, 503, 6),
    ],
)
def test_status_and_exit_code_are_those_of_the_design(kind: type[OneAIError], status: int, exit_code: int) -> None:
    assert (kind.status, kind.exit_code) == (status, exit_code)
