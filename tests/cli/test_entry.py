"""How a command line can end: one message, one exit code, with --json one document."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from oneai.cli import stores
from tests.cli.conftest import Cli


def raising(exc: BaseException) -> Callable[..., None]:
    """What a command calls, at fault."""

    def call(*_args: object, **_named: object) -> None:
        raise exc

    return call


def test_no_words_show_the_help(cli: Cli) -> None:
    assert "models" in cli().out


def test_the_version_is_told(cli: Cli) -> None:
    ended = cli("--version")
    assert (ended.code, ended.out.split()[0]) == (0, "oneai")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("modles",), "Did you mean 'models'"),
        (("models", "list", "--colour"), "--colour"),
        (("models", "next-code", "ocr"), "oneai models next-code --help"),
        (("--env-file", "none.env", "models", "list"), "none.env"),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_one_line(cli: Cli, words: tuple[str, ...], named: str) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert named in ended.err
    assert ended.err.count("\n") == 1


def test_a_wrong_command_line_with_json_is_one_document(cli: Cli) -> None:
    ended = cli("models", "next-code", "smell", "primary", "--json")
    assert (ended.code, ended.json["error"]["code"], ended.json["error"]["param"]) == (2, "usage", "domain")


def test_a_wrong_setting_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    ended = cli("models", "list", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "bad_setting")
    assert "PORT" in ended.err


def test_settings_are_read_from_the_file_that_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "other.env").write_text("MODEL_OP1_TIMEOUT=none\n")
    assert "MODEL_OP1_TIMEOUT" in cli("--env-file", "other.env", "models", "list").err


def test_a_fault_of_ours_is_one_line_without_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "reading", raising(RuntimeError("the sky fell")))
    ended = cli("models", "list", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (1, "internal_error")
    assert "the sky fell. This is a fault of oneai, please report it" in ended.err
    assert "Traceback" not in ended.err


def test_the_traceback_of_a_fault_shows_when_debugging(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.getLogger("oneai").level

    monkeypatch.setenv("ONEAI_LOG_LEVEL", "debug")
    monkeypatch.setattr(stores, "reading", raising(RuntimeError("the sky fell")))
    try:
        assert "Traceback" in cli("models", "list").err
    finally:
        root.handlers, level, own = before
        root.setLevel(level)
        logging.getLogger("oneai").setLevel(own)


def test_ctrl_c_is_130_and_quiet(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "reading", raising(KeyboardInterrupt()))
    ended = cli("models", "list")
    assert (ended.code, ended.out, ended.err) == (130, "", "")


def test_a_message_shows_no_key(cli: Cli) -> None:
    key = "oo-" + "ab12" * 16
    assert key not in cli("models", "show", key).err


def process(home: Path, *words: str, stdout: str | None = None) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    root = str(Path(__file__).parents[2])
    with open(stdout or os.devnull, "wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", "from oneai.cli import main; main()", *words],
            env=kept | {"ONEAI_HOME": str(home), "PYTHONPATH": root, "COLUMNS": "80"},
            cwd=home.parent,
            stdin=subprocess.DEVNULL,
            stdout=file if stdout else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    rows = [
        {"model_code": f"op{number}", "provider": "x", "endpoint": "http://a.example:1", "domain": "ocr"}
        | {"role": "primary"}
        for number in range(1, 2001)
    ]
    file = home.parent / "many.json"
    file.write_text(json.dumps({"models": rows}))
    importing = process(home, "models", "import", str(file), "--json")
    importing.communicate()
    assert importing.returncode == 0
    ended = process(home, "models", "export")
    assert ended.stdout is not None
    assert ended.stderr is not None
    ended.stdout.close()
    told = ended.stderr.read()
    ended.stderr.close()
    assert (ended.wait(), told) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_disk_that_is_full_is_one_line_and_no_fault_of_ours(home: Path, more: tuple[str, ...]) -> None:
    with process(home, "keys", "list", *more, stdout="/dev/full") as ended:
        _out, err = ended.communicate()
    assert ended.returncode == 1
    assert err.count(b"\n") == 1
    assert b"No space left on device" in err
    assert b"fault of oneai" not in err


def test_a_home_that_is_a_file_is_a_wrong_setting(cli: Cli, home: Path) -> None:
    home.write_text("no folder")
    for words in (("models", "list"), ("run", "--text", "hi"), ("keys", "create", "n8n")):
        ended = cli(*words)
        assert (ended.code, "ONEAI_HOME" in ended.err, "fault" in ended.err) == (2, True, False), ended.err


@pytest.mark.parametrize("words", [("why",), ("run", "--text"), ("models", "test")])
def test_an_argument_that_is_no_utf_8_is_a_wrong_command_line(cli: Cli, words: tuple[str, ...]) -> None:
    ended = cli(*words, "caf\udce9", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "invalid_value")
    assert "UTF-8" in ended.err


@pytest.mark.parametrize(
    "words", [("run", "--timeout", "0"), ("models", "next-code"), ("models", "add", "--timeout-ms", "soon")]
)
def test_a_wrong_command_lines_message_is_whole_sentences(cli: Cli, words: tuple[str, ...]) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert ". See `oneai " in ended.err


def test_a_choices_message_is_free_of_a_parsers_own_words(cli: Cli) -> None:
    assert "Value error" not in cli("models", "next-code", "smell", "primary").err


def test_help_reads_neither_settings_nor_heavy_libraries(home: Path) -> None:
    code = (
        "import sys; from oneai.cli import entry; entry.run(['--help']); "
        "heavy = {'aiohttp', 'supabase', 'oneai.config', 'sqlite3'} & set(sys.modules); print(heavy, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2], check=True)
    assert ended.stderr.strip() == b"set()"


def test_main_exits_with_the_code(home: Path) -> None:
    ended = process(home, "models", "show", "op1")
    _out, err = ended.communicate()
    assert (ended.returncode, err.count(b"\n")) == (3, 1)
