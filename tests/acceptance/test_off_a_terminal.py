"""The command line in scripts and agents' hands: it never asks, and --json is one document whatever happens."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping

import pytest
from typer.main import get_command

from oneai.cli import app
from oneai.core import keys
from tests.acceptance.processes import PATIENCE_S, Ended, House, killed, model, new_key
from tests.core.rows_of import key_row
from tests.fakes.model_server import ModelServer

SERVERS = {"serve", "demo", "ocr-server"}
"""They run until they are told to end."""
LINES = {
    "models add": "lp9 --provider any --endpoint http://gpu.example:8000 --no-probe --dry-run",
    "models list": "",
    "models show": "op1",
    "models set": "op1 timeout_ms=1000 --dry-run",
    "models remove": "op1 --dry-run",
    "models enable": "op1 --dry-run",
    "models disable": "op1 --dry-run",
    "models fallback": "op1 --show",
    "models health": "",
    "models keys": "op1",
    "models test": "op1",
    "models next-code": "ocr primary",
    "models import": "models.json --dry-run",
    "models export": "",
    "keys create": "dev --dry-run",
    "keys list": "",
    "keys show": "n8n",
    "keys revoke": "n8n --dry-run",
    "keys rotate": "n8n --dry-run",
    "db check": "",
    "db migrate": "--dry-run",
    "db sql": "",
    "run": "--task ocr --text test",
    "why": "last",
    "usage": "",
    "doctor": "",
}
"""A line for each command that ends by itself, which changes nothing."""
DESTRUCTIVE = ("models remove op1", "models remove op1 --purge", "keys revoke n8n", "keys rotate n8n")
WRONG = {
    "models show op9": 3,
    "models next-code smell primary": 2,
    "models fallback op1 lp1": 4,
    "keys show nobody": 3,
    "why never-made": 3,
    "run --text Hello --model op9": 3,
    "run nowhere.png": 3,
    "usage --since yesterday": 2,
    "models list --colour": 2,
    "--env-file nowhere.env models list": 2,
}


def leaves(command: object, *words: str) -> Iterator[str]:
    """Every command of the tree, by its words."""
    group: Mapping[str, object] | None = getattr(command, "commands", None)
    if group is None:
        yield " ".join(words)
        return
    for name, below in group.items():
        yield from leaves(below, *words, name)


async def stocked(house: House, server: ModelServer) -> None:
    """Two models in a chain, one of another domain, a key, and a file to import."""
    models = [model("op1", server.endpoint, "os1"), model("os1", server.endpoint), model("lp1", server.endpoint)]
    await house.register(*models)
    async with house.store() as store:
        await store.put_key(key_row(keys.hash_of(new_key()), name="n8n"))
    (house.folder / "models.json").write_text(json.dumps({"models": models}))


async def unspoken_to(house: House, *words: str) -> Ended:
    """A command whose stdin is open, no terminal, and says nothing: a prompt would wait for ever."""
    process = await house.start(*words)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
            return Ended(code=await process.wait(), out=out.decode(), err=err.decode())
    finally:
        await killed(process)


def test_every_command_has_its_line_here() -> None:
    assert set(leaves(get_command(app.build([])))) == set(LINES) | SERVERS


@pytest.mark.parametrize("share", [0, 1, 2])
async def test_json_is_one_document_of_every_command(house: House, server: ModelServer, share: int) -> None:
    await stocked(house, server)
    async with house.serving() as gateway:
        await gateway.run({"task": "ocr", "input": {"text": "test"}})
        for line in list(LINES)[share::3]:
            ended = await unspoken_to(house, *line.split(), *LINES[line].split(), "--json")
            assert ended.code in (0, 7), (line, ended)
            assert isinstance(ended.json, dict), (line, ended)
            assert ended.json.get("error") is None, (line, ended)
            assert "Traceback" not in ended.err


async def test_json_is_one_document_of_every_failure_too(house: House, server: ModelServer) -> None:
    await stocked(house, server)
    async with house.serving():
        for line, code in WRONG.items():
            ended = await unspoken_to(house, *line.split(), "--json")
            assert ended.code == code, (line, ended)
            assert ended.json["error"]["message"] == ended.error, line
            assert ended.json["error"]["code"], line


@pytest.mark.parametrize("line", DESTRUCTIVE)
async def test_what_destroys_does_not_ask_but_names_yes(house: House, server: ModelServer, line: str) -> None:
    await stocked(house, server)
    before = house.sql("select model_code, active, meta from models"), house.sql("select * from api_keys")
    silent = await unspoken_to(house, *line.split())
    closed = await house.cli(*line.split(), before=lambda: os.close(0))
    for ended in (silent, closed):
        assert ended.code == 2
        assert "--yes" in ended.error
        assert ended.out == ""
    assert (house.sql("select model_code, active, meta from models"), house.sql("select * from api_keys")) == before
    done = await unspoken_to(house, *line.split(), "--yes")
    assert done.code in (0, 7), done
    assert (house.sql("select model_code, active, meta from models"), house.sql("select * from api_keys")) != before


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_stream_that_is_closed_is_no_fault_of_ours(house: House, number: int) -> None:
    ended = await house.cli("models", "list", "--json", before=lambda: os.close(number))
    assert ended.code == 0, ended
    assert "fault of oneai" not in ended.out + ended.err


async def test_commands_without_a_gateway_say_where_they_looked(house: House) -> None:
    ended = await house.cli("run", "--task", "llm", "--text", "Hello", "--json")
    assert ended.code == 6
    assert "http://127.0.0.1:1" in ended.error
