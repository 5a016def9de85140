"""docs/operations.md: each curl of the hand-run system is one command, and each of these commands runs as written."""

import re
import shlex
import shutil
from base64 import b64decode
from pathlib import Path

import pytest

from oneai.cli import entry
from tests.acceptance.processes import House
from tests.fakes.model_server import ModelServer
from tests.gateway.conftest import page

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
TABLE = OPERATIONS.partition("## One command for each curl of before\n")[2].partition("\n## ")[0]
COMMAND = re.compile(r"`(oneai [^`]+)`")
OFFLINE = {"models add": ["--no-probe"]}
"""Where a command as written asks a machine that is not ours, what keeps it at home."""


def commands(text: str) -> list[str]:
    """Every command that the text shows whole, once, in its order."""
    return list(dict.fromkeys(found for found in COMMAND.findall(text) if "…" not in found))


def at_home(command: str) -> list[str]:
    words = shlex.split(command)[1:]
    return words + OFFLINE.get(" ".join(words[:2]), [])


def test_the_table_has_a_command_for_every_curl() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and "before" not in line]
    assert len(rows) == 18
    assert all(commands(row) for row in rows)


@pytest.mark.parametrize("half", [0, 1])
async def test_every_command_of_the_table_runs(house: House, server: ModelServer, half: int) -> None:
    shutil.copytree(ROOT / "examples", house.folder / "examples")
    (house.folder / "page.png").write_bytes(b64decode(page()))
    imported = await house.cli("models", "import", "examples/ocr-chain.json")
    assert imported.code == 0, imported.err
    house.settings |= {f"MODEL_OP{n}_ENDPOINT": server.endpoint for n in range(1, 6)}
    async with house.serving() as gateway:
        await gateway.run({"task": "ocr", "input": {"text": "test"}}, **{"X-Request-Id": "of-a-curl"})
        for command in commands(TABLE)[half::2]:
            ended = await house.cli(*at_home(command.replace("<X-Request-Id>", "of-a-curl")))
            assert ended.code in (0, 7), (command, ended)
            assert ended.out, command


def test_every_command_of_the_documentation_parses(capsys: pytest.CaptureFixture[str]) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = [command for file in pages for command in commands(file.read_text())]
    assert len(shown) > 20
    for command in shown:
        words = shlex.split(command)[1:]
        assert entry.run([*words, "--help"]) == 0, (command, capsys.readouterr().err)
