"""The life of an API key."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneai.cli.keys import held, rotate
from oneai.core import keys
from oneai.errors import StoreAway
from oneai.store import memory, opened
from oneai.types import Row
from tests.cli import living
from tests.cli.conftest import Answering, Cli, Ended

KEY = re.compile(r"oo-[0-9a-f]{64}")


def listed(cli: Cli, name: str) -> dict[str, object]:
    found = [key for key in cli("keys", "list", "--json").json["keys"] if key["name"] == name]
    assert len(found) == 1
    return dict(found[0])


def made(ended: Ended) -> str:
    assert ended.code == 0, ended.err
    assert KEY.fullmatch(ended.out.strip()), "stdout is the key alone"
    return ended.out.strip()


def test_a_new_key_is_alone_on_stdout_and_only_its_hash_is_kept(cli: Cli, home: Path) -> None:
    key = made(cli("keys", "create", "n8n"))
    assert listed(cli, "n8n")["hash"] == keys.hash_of(key)[:8]
    assert key.encode() not in b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_new_key_is_once_in_the_json_document(cli: Cli) -> None:
    document = cli(
        "keys", "create", "n8n", "--allow", "ocr,l", "--expires", "30d", "--max-in-flight", "3", "--json"
    ).json
    assert KEY.fullmatch(document["key"])
    assert (document["may_call"], document["max_in_flight"], document["live"]) == (["o", "l"], 3, False)
    assert "key" not in listed(cli, "n8n")


def test_a_name_is_given_once(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    again = cli("keys", "create", "n8n")
    assert (again.code, again.out) == (4, "")
    assert "oneai keys rotate n8n" in again.err


def test_a_name_of_the_environment_is_taken_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "n8n=" + keys.generate(bytes(32)))
    assert cli("keys", "create", "n8n").code == 4


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "local", "env:12345678"])
def test_a_strange_name_is_refused(cli: Cli, name: str) -> None:
    assert cli("keys", "create", name).code == 2


def test_a_key_given_as_a_name_is_refused_and_not_repeated(cli: Cli) -> None:
    key = keys.generate(bytes(range(32)))
    ended = cli("keys", "create", key)
    assert ended.code == 2
    assert key not in ended.err


def test_an_unknown_model_is_refused_with_those_that_are(chain: Cli) -> None:
    ended = chain("keys", "create", "n8n", "--allow", "op1,op9")
    assert ended.code == 3
    assert "op9" in ended.err
    assert "op1, op2, op3, op4, op5" in ended.err


def test_a_key_for_nothing_is_refused(cli: Cli) -> None:
    assert cli("keys", "create", "n8n", "--allow", " , ").code == 2


@pytest.mark.parametrize("expires", ["2020-01-01", "yesterday", "0d"])
def test_an_end_that_is_past_or_no_time_is_refused(cli: Cli, expires: str) -> None:
    assert cli("keys", "create", "n8n", "--expires", expires).code == 2


def test_a_rehearsal_writes_nothing(cli: Cli, home: Path) -> None:
    ended = cli("keys", "create", "n8n", "--dry-run", "--json")
    assert ended.json["dry_run"] is True
    assert "key" not in ended.json
    assert not home.exists()


def test_no_keys_say_how_to_make_one(cli: Cli) -> None:
    ended = cli("keys", "list")
    assert ended.code == 0
    assert "oneai keys create NAME" in ended.out


def test_all_sources_are_listed_and_never_a_key(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = made(cli("keys", "create", "n8n"))
    local, listed_ = keys.generate(b"l" * 32), keys.generate(b"e" * 32)
    (home / "local.key").write_text(local)
    monkeypatch.setenv("API_KEYS", listed_)
    ended = cli("keys", "list", "--json")
    sources = {key["source"]: key["name"] for key in ended.json["keys"]}
    assert sources == {"store": "n8n", "environment": f"env:{keys.hash_of(listed_)[:8]}", "local": "local"}
    shown = ended.out + cli("keys", "list").out + cli("keys", "show", "n8n").out
    assert not any(key in shown for key in (stored, local, listed_))


@pytest.mark.parametrize("width", [80, 140])
def test_names_and_reaches_are_whole_at_any_width(chain: Cli, width: int) -> None:
    chain("keys", "create", "an-automation-of-ours", "--allow", "op1,op2")
    shown = chain("keys", "list", width=width).out
    assert "an-automation-of-ours" in shown
    assert "op1, op2" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_one_key_is_shown_with_its_usage(cli: Cli) -> None:
    made(cli("keys", "create", "n8n", "--admin"))
    document = cli("keys", "show", "n8n", "--json").json
    assert (document["name"], document["admin"], document["state"]) == ("n8n", True, "live")
    assert document["usage_24h"]["calls"] == 0
    assert "no attempts" in cli("keys", "show", "n8n").out


def test_an_unknown_key_is_not_found(cli: Cli) -> None:
    assert [
        cli("keys", word, "nobody", *more).code for word, more in [("show", ()), ("revoke", ("--yes",)), ("rotate", ())]
    ] == [3] * 3


def test_revoking_asks_and_off_a_terminal_wants_a_yes(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    assert cli("keys", "revoke", "n8n").code == 2
    assert listed(cli, "n8n")["state"] == "live"


def test_a_revoked_key_stays_revoked_and_frees_its_name(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    first = cli("keys", "revoke", "n8n", "--yes", "--json").json
    second = cli("keys", "revoke", "n8n", "--yes", "--json").json
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["revoked_at"] == first["revoked_at"]
    made(cli("keys", "create", "n8n"))


def test_a_rehearsed_revocation_revokes_nothing(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    assert cli("keys", "revoke", "n8n", "--dry-run").code == 0
    assert listed(cli, "n8n")["state"] == "live"


def test_a_key_of_the_environment_is_revoked_by_its_hash(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.generate(b"e" * 32)
    monkeypatch.setenv("API_KEYS", key)
    name = f"env:{keys.hash_of(key)[:8]}"
    assert cli("keys", "revoke", name, "--yes").code == 0
    assert listed(cli, name)["state"] == "revoked"


def test_the_local_key_is_a_file_to_be_deleted(cli: Cli, home: Path) -> None:
    home.mkdir()
    (home / "local.key").write_text(keys.generate(b"l" * 32))
    ended = cli("keys", "revoke", "local", "--yes")
    assert ended.code == 2
    assert str(home / "local.key") in ended.err


def test_a_rotated_key_keeps_its_rights_and_the_old_one_ends(chain: Cli) -> None:
    old = made(chain("keys", "create", "n8n", "--allow", "op1", "--max-in-flight", "2"))
    new = made(chain("keys", "rotate", "n8n", "--yes"))
    found = {key["hash"]: key for key in chain("keys", "list", "--json").json["keys"]}
    fresh, ended = found[keys.hash_of(new)[:8]], found[keys.hash_of(old)[:8]]
    assert (fresh["name"], fresh["may_call"], fresh["max_in_flight"], fresh["state"]) == ("n8n", ["op1"], 2, "live")
    assert ended["state"] == "revoked"


def test_in_its_grace_the_old_key_goes_on_under_another_name(cli: Cli) -> None:
    old = made(cli("keys", "create", "n8n"))
    made(cli("keys", "rotate", "n8n", "--grace", "1h"))
    made(cli("keys", "rotate", "n8n", "--grace", "1h"))
    found = {key["hash"]: key for key in cli("keys", "list", "--json").json["keys"]}
    first = found[keys.hash_of(old)[:8]]
    assert first["name"].startswith("n8n (until ")
    assert first["state"] == "live"
    assert first["expires_at"] is not None
    assert len(found) == 3


def test_a_rotation_that_ends_the_old_key_at_once_asks_first(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    before = cli("keys", "list", "--json").json
    ended = cli("keys", "rotate", "n8n")
    assert ended.code == 2
    assert "--grace" in ended.err
    assert "--yes" in ended.err
    assert cli("keys", "list", "--json").json == before


def test_a_key_that_has_expired_is_rotated_without_a_question(cli: Cli, home: Path) -> None:
    made(cli("keys", "create", "n8n", "--expires", "30d"))

    async def expire() -> None:
        async with opened(f"sqlite:{home / 'oneai.db'}") as store:
            [row] = await store.keys()
            await store.put_key(row | {"expires_at": "2026-01-01T00:00:00Z"})

    asyncio.run(expire())
    made(cli("keys", "rotate", "n8n", "--expires", "90d"))


def test_a_rehearsed_rotation_changes_nothing(cli: Cli) -> None:
    made(cli("keys", "create", "n8n"))
    before = cli("keys", "list", "--json").json
    assert cli("keys", "rotate", "n8n", "--dry-run").code == 0
    assert cli("keys", "list", "--json").json == before


def test_what_cannot_be_rotated_says_why(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "listed=" + keys.generate(b"e" * 32))
    made(cli("keys", "create", "n8n"))
    cli("keys", "revoke", "n8n", "--yes")
    assert "API_KEYS" in cli("keys", "rotate", "listed").err
    revoked = cli("keys", "rotate", "n8n")
    assert revoked.code == 4
    assert "oneai keys create n8n" in revoked.err


class _Failing(memory.MemoryStore):
    """Takes the first row and no other, until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_on = ""

    async def put_key(self, row: Row) -> None:
        if row["key_hash"] == self.fails_on:
            raise StoreAway(store=self.name, why="just now")
        await super().put_key(row)


async def test_a_rotation_that_fails_midway_leaves_the_old_key() -> None:
    store = _Failing()
    old = held.Held(name="n8n", hash="a" * 64, source="store")
    ended = held.Held(name="n8n", hash="a" * 64, source="store", revoked_at="2027-01-01T00:00:00.000Z")
    new = held.Held(name="n8n", hash="b" * 64, source="store")
    await store.put_key(old.row())
    store.fails_on = new.hash
    with pytest.raises(StoreAway):
        await rotate.swap(store, old, ended, new)
    assert [(row["name"], row["revoked_at"]) for row in await store.keys()] == [("n8n", None)]


def test_a_gateway_has_a_new_key_when_the_command_returns(cli: Cli, gateway: Answering) -> None:
    assert cli("keys", "create", "n8n", "--json").json["live"] is True
    assert len(gateway.bodies("POST /admin/reload")) == 1


@pytest.fixture
def unmigrated(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line on a Supabase project that has today's three tables only."""
    with living.opened(living.project(migrated=False)) as project:
        living.pointed(monkeypatch, SUPABASE_URL=project.url, SUPABASE_SERVICE_KEY=project.key)
        yield cli


def test_a_project_without_the_table_takes_no_keys_and_says_what_to_do(unmigrated: Cli) -> None:
    ended = unmigrated("keys", "create", "n8n")
    assert (ended.code, ended.out) == (1, "")
    assert "oneai db sql" in ended.err


def test_a_project_without_the_table_still_lists_the_environments(
    unmigrated: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEYS", "listed=" + keys.generate(b"e" * 32))
    ended = unmigrated("keys", "list", "--json")
    assert ended.code == 0
    assert [key["name"] for key in ended.json["keys"]] == ["listed"]
    assert "oneai db sql" in ended.err
