"""What a command shows."""

import json
import os
import sys

import pytest

from oneai.cli.output import Output, plain


def test_control_characters_of_a_server_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[2Jb\x00\x9b\u202ec\nd") == "a?[2Jb???c\nd"


def test_with_json_only_the_document_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(json=True)
    out.give({"a": 1}, lambda console: console.print("drawn"))
    out.say("words")
    out.warn("more words")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": 1}
    assert captured.err == "words\nwarning: more words\n"


def test_without_it_results_and_words_are_and_warnings_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.give({"a": 1}, lambda console: console.print("drawn [bold]as it is[/bold] :smile:"))
    out.say("words")
    out.warn("more words")
    captured = capsys.readouterr()
    assert captured.out == "drawn [bold]as it is[/bold] :smile:\nwords\n"
    assert captured.err == "warning: more words\n"


def test_words_are_out_at_once_where_they_are_piped_on(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=0) as reader, open(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        Output().say("words")
        assert reader.read(100) == b"words\n"
