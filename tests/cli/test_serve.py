"""`oneai serve`: what keeps it from starting is one clear line; started, it serves until it is told to stop."""

import json
import logging
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneai.store.journal import home_lock
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """serve sets logging up for its whole process: here it goes back to what it was."""
    root, ours = logging.getLogger(), logging.getLogger("oneai")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_a_home_in_use_is_a_conflict_that_names_it(cli: Cli, home: Path) -> None:
    with home_lock(home):
        ended = cli("serve", "--port", "0")
    assert ended.code == 4
    assert str(home) in ended.err


def test_a_taken_port_is_a_conflict_that_names_it(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = cli("serve", "--port", str(port), "--json")
    assert ended.code == 4
    assert str(port) in ended.json["error"]["message"]


def test_an_address_of_another_machine_is_refused(cli: Cli) -> None:
    ended = cli("serve", "--host", "192.0.2.1", "--port", "0")
    assert ended.code == 2
    assert "192.0.2.1" in ended.err
    assert "fault of oneai" not in ended.err


def test_a_wrong_setting_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEAI_DRAIN_S", "soon")
    ended = cli("serve")
    assert ended.code == 2
    assert "ONEAI_DRAIN_S" in ended.err


def test_a_missing_env_file_is_named(cli: Cli) -> None:
    assert "nowhere.env" in cli("serve", "--env-file", "nowhere.env").err
    assert cli("--env-file", "nowhere.env", "serve").code == 2


def test_a_store_that_is_away_without_a_snapshot_ends_it(
    cli: Cli, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPABASE_URL", refusing)
    monkeypatch.setenv("SUPABASE_SERVICE_KEY", "sb_" + "secret_" + "x" * 20)
    ended = cli("serve", "--port", "0")
    assert ended.code == 6
    assert refusing in ended.err


def test_it_serves_until_sigterm_and_ends_in_one_document(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from oneai.cli import main; main()", "serve", "--port", "0", "--json"]
    environment = {"ONEAI_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if line.startswith("OneAI Gateway on "))
            with urllib.request.urlopen(line.split()[-1] + "/health") as answer:
                assert json.loads(answer.read())["status"] == "healthy"
        finally:
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["stopped"] is True
