"""Whose home it is."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

OCR = ("--provider", "paddle", "--endpoint", "http://gpu.example:8000", "--no-probe")


def test_another_users_home_is_not_written_to(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    owner = home.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    ended = cli("models", "add", "op1", *OCR, "--name", "two words", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "foreign_home")
    assert "docker exec oneai-gateway oneai models add op1" in ended.err
    assert "'two words'" in ended.err
    assert list(home.iterdir()) == []


def test_looking_and_trying_are_no_writes(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    owner = home.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert cli("models", "list").code == 0
    assert cli("models", "add", "op1", *OCR, "--dry-run").code == 0
    assert list(home.iterdir()) == []


def test_a_home_that_is_not_there_yet_is_made(cli: Cli, home: Path) -> None:
    assert cli("models", "add", "op1", *OCR).code == 0
    assert (home / "oneai.db").exists()


def test_a_store_that_cannot_be_opened_is_unreachable(cli: Cli, home: Path) -> None:
    (home / "oneai.db").mkdir(parents=True)
    ended = cli("models", "list", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (6, "store_unreachable")
