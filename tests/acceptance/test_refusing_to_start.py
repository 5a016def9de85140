"""What keeps a gateway from starting is one line that names it, and an exit code; never a traceback."""

import os
import secrets
import socket
from pathlib import Path

import pytest

from tests.acceptance.processes import House, model
from tests.fakes.model_server import ModelServer
from tests.fakes.postgrest import Postgrest


async def test_a_taken_port_is_named_and_the_home_is_free_again(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await house.cli("serve", "--port", str(port))
    assert ended.code == 4
    assert f"127.0.0.1:{port} is taken" in ended.error
    async with house.serving() as gateway:
        assert (await gateway.health())["status"] == "healthy"


async def test_a_second_gateway_on_one_home_names_the_first_and_leaves_it_alone(
    house: House, server: ModelServer
) -> None:
    await house.register(model("lp1", server.endpoint))
    async with house.serving() as gateway:
        ended = await house.cli("serve", "--port", "0")
        said = await gateway.run({"task": "llm", "input": {"text": "Hello"}})
        pid = gateway.process.pid
    assert ended.code == 4
    assert str(house.home) in ended.error
    assert f"process {pid}" in ended.error
    assert said.status == 200


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("PORT", "many", "a whole number"),
        ("PORT", "65536", "65535"),
        ("API_KEY_ENABLED", "perhaps", "true or false"),
        ("MODEL_OP1_TIMEOUT", "2m", "a whole number"),
        ("MODEL_OP1_ENDPOINT", "spark.example:8000", "http://"),
        ("SUPABASE_URL", "project-ref.supabase.example", "https://"),
        ("ONEAI_DRAIN_S", "-1", "0"),
    ],
)
async def test_a_wrong_value_in_master_env_is_named_with_what_is_accepted(
    house: House, name: str, value: str, accepted: str
) -> None:
    (house.folder / "master.env").write_text(f"NODE_ENV=production\n{name}={value}\n")
    ended = await house.cli("serve")
    assert ended.code == 2
    assert ended.error.startswith(f"{name}: found ")
    assert accepted in ended.error.rpartition("accepted is ")[2]
    assert not house.home.exists()


async def test_a_secret_in_a_wrong_line_is_masked(house: House) -> None:
    secret = secrets.token_hex(20)
    (house.folder / "master.env").write_text(f"SUPABASE_URL=postgres://user:{secret}@db.example\n")
    ended = await house.cli("serve")
    assert ended.code == 2
    assert secret not in ended.err + ended.out


@pytest.mark.parametrize("instead", ["a folder", "a text"])
async def test_a_store_that_is_none_without_a_snapshot_is_exit_6(house: House, instead: str) -> None:
    house.home.mkdir()
    put(instead, house.home / "oneai.db")
    ended = await house.cli("serve")
    assert ended.code == 6
    assert str(house.home / "oneai.db") in ended.error


async def test_a_supabase_that_is_away_without_a_snapshot_is_exit_6(house: House) -> None:
    async with Postgrest() as project:
        url, key = project.url, project.key
    ended = await house.cli("serve", SUPABASE_URL=url, SUPABASE_SERVICE_KEY=key)
    assert ended.code == 6
    assert url in ended.error
    assert key not in ended.err


async def test_a_supabase_key_of_another_project_is_said_to_be_refused(house: House) -> None:
    async with Postgrest() as project, Postgrest() as other:
        ended = await house.cli("serve", SUPABASE_URL=project.url, SUPABASE_SERVICE_KEY=other.key)
    assert ended.code == 6
    assert "the service key was refused" in ended.error
    assert other.key not in ended.err


async def test_a_home_that_is_a_file_is_named(house: House) -> None:
    house.home.write_text("not a folder")
    ended = await house.cli("serve")
    assert ended.code == 2
    assert ended.error.startswith(f"ONEAI_HOME: found {house.home}")


def put(instead: str, path: Path) -> None:
    if instead == "a folder":
        os.mkdir(path)
    else:
        path.write_text("no database " * 1000)
