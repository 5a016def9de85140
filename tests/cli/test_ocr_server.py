"""`oneai ocr-server`: its options reach the server, and what keeps it from starting is one clear line."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneai.ocr import server
from oneai.ocr.options import Options
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """ocr-server sets logging up for its whole process: here it goes back to what it was."""
    root, ours = logging.getLogger(), logging.getLogger("oneai")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What the server was started with, instead of serving."""
    found: list[Options] = []
    monkeypatch.setattr(server, "serve", found.append)
    return found


def test_its_options_reach_the_server(cli: Cli, started: list[Options]) -> None:
    words = ("--host", "127.0.0.2", "--port", "0", "--workers", "3", "--lang", "eng+deu", "--max-queue", "5")
    assert cli("ocr-server", *words).code == 0
    assert started == [Options(host="127.0.0.2", port=0, workers=3, lang="eng+deu", max_queue=5)]


def test_without_options_it_starts_with_the_servers_own(cli: Cli, started: list[Options]) -> None:
    assert cli("ocr-server", "--json").json == {"stopped": True}
    assert started == [Options()]


@pytest.mark.parametrize("words", [("--workers", "0"), ("--port", "65536"), ("--max-queue", "-1"), ("--port", "http")])
def test_nonsense_is_refused(cli: Cli, started: list[Options], words: tuple[str, str]) -> None:
    assert cli("ocr-server", *words).code == 2
    assert started == []


def test_a_language_without_data_is_refused(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eng.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    ended = cli("ocr-server", "--lang", "xx")
    assert ended.code == 2
    assert "xx" in ended.err


def test_without_the_extra_it_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneai.ocr.traineddata.find_spec", lambda name: None)
    ended = cli("ocr-server")
    assert ended.code != 0
    assert "ocr" in ended.err
    assert "fault of oneai" not in ended.err


def test_its_help_names_the_extra_and_the_defaults(cli: Cli) -> None:
    told = " ".join(cli("ocr-server", "--help").out.split())
    assert all(word in told for word in ("oneai[ocr]", "127.0.0.1", "8010", "16"))
