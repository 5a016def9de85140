"""The one question."""

import io
import sys

import pytest

from oneai.cli import ask
from oneai.errors import Declined, NeedsYes


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_yes_asks_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    ask.confirm("Delete it?", yes=True)
    assert capsys.readouterr().err == ""


def test_off_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(NeedsYes, match="--yes"):
        ask.confirm("Delete it?", yes=False)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_answer_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    ask.confirm("Delete it?", yes=False)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(Declined):
        ask.confirm("Delete it?", yes=False)
    assert "Delete it?" in "".join(capsys.readouterr())
