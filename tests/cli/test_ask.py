"""The one question."""

import asyncio
import io
import signal
import sys

import pytest
import typer

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


def test_ctrl_c_at_the_question_ends_the_command_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    went_on = False

    def pressed() -> str:
        signal.raise_signal(signal.SIGINT)
        return "y\n"

    async def command() -> None:
        nonlocal went_on
        ask.confirm("Delete it?", yes=False)
        went_on = True

    terminal = Terminal()
    monkeypatch.setattr(terminal, "readline", pressed)
    monkeypatch.setattr(sys, "stdin", terminal)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises((KeyboardInterrupt, typer.Abort)):
        asyncio.run(command())
    assert not went_on
    assert signal.getsignal(signal.SIGINT) is before
