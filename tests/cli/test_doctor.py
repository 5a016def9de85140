"""The doctor: each judgement over facts that a test sets, and the whole of it against what really runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oneai import __version__, config
from oneai.cli.doctor import chains, exit_code, gateway, host, judging, keys, models, overrides, storage
from oneai.cli.doctor.facts import Facts, Home, Running, Storage
from oneai.cli.doctor.remark import Level, Remark, ok, warning
from oneai.cli.keys.held import Held
from oneai.cli.models.probe import Probe
from oneai.core import keys as secrets
from oneai.core.registry import build
from oneai.core.usage import timestamp
from oneai.store import Finding
from oneai.types import Row
from tests.cli import living
from tests.cli.conftest import Cli
from tests.fakes import model_server
from tests.fakes.model_server import ModelServer, answers, chat

NOW = 1_800_000_000.0
ME = 1000


def model(code: str, fallback: str | None = None, **changes: Any) -> Row:
    row = {
        "model_code": code,
        "domain": {"o": "ocr", "l": "llm", "v": "vision"}[code[0]],
        "role": {"p": "primary", "s": "small", "v": "validation"}[code[1]],
        "provider": "test",
        "endpoint": "http://gpu.example:8000/v1/chat/completions",
        "timeout_ms": 60_000,
        "max_tokens": 4096,
        "active": True,
        "fallback_model_code": fallback,
        "meta": {},
    }
    return row | changes


def facts(*rows: Row, environ: Mapping[str, str] | None = None, **changes: Any) -> Facts:
    """All is well: a home of ours, a whole store, a gateway that knows every model, servers that answer."""
    names = {"ONEAI_HOME": "/srv/oneai", **(environ or {})}
    settings = config.load(environ=names)
    registry = build(rows, [], settings.overrides)
    state = {"models": {code: {"circuit": "closed"} for code in registry.models}, "registry": {"doubt": None}}
    well: dict[str, Any] = {
        "settings": settings,
        "now": NOW,
        "version": "1.2.3",
        "home": Home(path=Path("/srv/oneai"), user=ME, owner=ME, free_bytes=50 << 30),
        "store": Storage(name="sqlite:x", findings=[Finding(name="a", ok=True, detail="")]),
        "running": Running(url="http://g", health={"version": "1.2.3", "journal": {"rows": 0}}, state=state),
        "registry": registry,
        "rows": {row["model_code"]: row for row in rows},
        "keys": [Held(name="n8n", hash="a" * 64, source="store")],
        "probes": {code: Probe(answers=True, served=("served",)) for code in registry.models},
    }
    return Facts(**(well | changes))


def bad(remarks: Iterator[Remark]) -> list[Remark]:
    found = [remark for remark in remarks if remark.level is not Level.OK]
    assert all(remark.mend for remark in found), "each finding ends with what mends it"
    return found


def only(remarks: Iterator[Remark], level: Level, *words: str) -> None:
    """One finding, of this level, that says and mends so."""
    found = bad(remarks)
    assert [remark.level for remark in found] == [level], found
    said = f"{found[0].what} {found[0].mend}"
    assert all(word in said for word in words), said


def state_of(given: Facts, code: str, **state: Any) -> Facts:
    told = {"models": {code: {"circuit": "closed"} | state}, "registry": {"doubt": None}}
    return replace(given, running=replace(given.running, state=told))


def test_where_all_is_well_every_remark_is_so() -> None:
    remarks = judging.all_of(facts(model("op1", "os1"), model("os1")))
    assert {remark.level for remark in remarks} == {Level.OK}
    assert {"settings", "home", "store", "gateway", "journal", "keys", "models", "chains"} == {r.topic for r in remarks}


def test_open_calls_on_every_network_are_a_problem_and_on_loopback_are_not() -> None:
    wide = facts(environ={"HOST": "0.0.0.0", "API_KEY_ENABLED": "false"})
    only(host.settings(wide), Level.PROBLEM, "API_KEY_ENABLED")
    assert not bad(host.settings(facts(environ={"API_KEY_ENABLED": "false"})))
    assert not bad(host.settings(facts(environ={"HOST": "0.0.0.0"})))


def test_rows_kept_for_ever_are_a_warning() -> None:
    only(host.settings(facts(environ={"ONEAI_HOEM": "/data"})), Level.WARNING, "ONEAI_HOEM")
    only(host.settings(facts(environ={"ONEAI_RETENTION_DAYS": "0"})), Level.WARNING, "ONEAI_RETENTION_DAYS=90")


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"owner": 0}, Level.WARNING, ("docker exec",)),
        ({"readable": False}, Level.PROBLEM, ("chmod 700",)),
        ({"mode": 0o755}, Level.WARNING, ("755", "chmod 700")),
        ({"key_mode": 0o644}, Level.PROBLEM, ("local.key", "chmod 600")),
        ({"free_bytes": 50 << 20}, Level.PROBLEM, ("50 MB",)),
        ({"free_bytes": 500 << 20}, Level.WARNING, ("500 MB",)),
    ],
)
def test_what_is_wrong_with_the_home_is_said(changes: dict[str, Any], level: Level, words: Sequence[str]) -> None:
    given = facts()
    found = [remark for remark in host.home(replace(given, home=replace(given.home, **changes))) if remark.mend]
    assert [remark.level for remark in found] == [level]
    assert all(word in found[0].what + found[0].mend for word in words)


def test_a_home_that_is_not_there_yet_is_well() -> None:
    given = facts()
    assert not bad(host.home(replace(given, home=replace(given.home, owner=None))))


def test_a_store_that_is_away_is_a_problem_and_without_a_snapshot_a_failure() -> None:
    given = facts(store=Storage(name="supabase:x", away="It cannot be reached.", has_snapshot=True))
    only(storage.store(given), Level.PROBLEM, "snapshot", "oneai db check")
    assert exit_code(given, judging.all_of(given)) == 7
    bare = replace(given, store=replace(given.store, has_snapshot=False))
    assert exit_code(bare, judging.all_of(bare)) == 1


@pytest.mark.parametrize(("fatal", "level"), [(True, Level.PROBLEM), (False, Level.WARNING)])
def test_what_a_schema_lacks_comes_with_its_remedy(fatal: bool, level: Level) -> None:
    lacking = Finding(name="table api_keys", ok=False, detail="is not there", remedy="oneai db sql", fatal=fatal)
    only(storage.store(facts(store=Storage(name="x", findings=[lacking]))), level, "api_keys", "oneai db sql")


@pytest.mark.parametrize(
    ("journal", "level", "word"),
    [
        ({"degraded": True}, Level.PROBLEM, "memory"),
        ({"dropped": 3}, Level.PROBLEM, "ONEAI_JOURNAL_MAX_MB"),
        ({"rows": 5000}, Level.WARNING, "5,000"),
        ({"refused": 2}, Level.WARNING, "refused.jsonl"),
        ({"unreadable": 1}, Level.WARNING, "1 line "),
    ],
)
def test_what_is_wrong_with_the_journal_is_said(journal: dict[str, Any], level: Level, word: str) -> None:
    only(storage.journal(facts(running=Running(url="u", health={"journal": journal}))), level, word)


def test_without_a_gateway_the_refused_rows_are_read_from_their_file() -> None:
    given = facts(running=Running(url="u", away="Nobody is there."))
    assert not bad(storage.journal(given))
    only(storage.journal(replace(given, home=replace(given.home, refused_rows=4))), Level.WARNING, "4 usage rows")


def test_no_gateway_another_version_its_troubles_and_a_refused_key_are_said() -> None:
    well = facts().running
    only(gateway.running(facts(running=Running(url="u", away="No gateway answers."))), Level.PROBLEM, "oneai serve")
    only(gateway.running(facts(running=replace(well, health={"version": "9"}))), Level.WARNING, "9", "1.2.3")
    troubled = replace(well, health={"version": "1.2.3", "troubles": ["the store does not answer"]})
    only(gateway.running(facts(running=troubled)), Level.WARNING, "the store does not answer")
    refused = replace(well, state=None, refused="403 admin_key_required")
    only(gateway.running(facts(running=refused)), Level.PROBLEM, "admin_key_required", "ONEAI_API_KEY")


def test_a_gateway_that_doubts_its_store_is_a_problem() -> None:
    state = {"models": {}, "registry": {"doubt": "5 of 5 models are gone"}}
    given = facts(running=replace(facts().running, state=state))
    only(gateway.registry(given), Level.PROBLEM, "5 of 5", "force")


def test_a_model_that_only_one_of_gateway_and_store_has_is_a_problem() -> None:
    given = facts(model("op1"))
    only(gateway.registry(state_of(facts(model("op1"), model("op2")), "op1")), Level.PROBLEM, "oneai models enable op2")
    told: dict[str, Any] = {"models": {"op1": {}, "op7": {}}, "registry": {}}
    only(gateway.registry(replace(given, running=replace(given.running, state=told))), Level.PROBLEM, "op7")


def test_keys_of_the_environment_are_judged_by_their_look_and_never_shown() -> None:
    whole, cut = secrets.generate(b"k" * 32), secrets.generate(b"c" * 32)[:40]
    for entry, word in (("hunter2", "7 characters"), (f"dev={cut}", "dev"), (f"oo-<{'x' * 30}>", "placeholder")):
        given = facts(environ={"API_KEYS": entry})
        only(keys.listed(given), Level.PROBLEM if word == "placeholder" else Level.WARNING, word)
        assert entry not in str(list(keys.listed(given)))
    assert not bad(keys.listed(facts(environ={"API_KEYS": f"{whole},n8n={whole},{'a long passphrase ' * 3}"})))


def test_a_revoked_key_of_the_environment_is_not_judged() -> None:
    revoked = Held(name="x", hash=secrets.hash_of("hunter2"), source="environment", revoked_at="2026-01-01")
    assert not bad(keys.listed(facts(environ={"API_KEYS": "hunter2"}, keys=[revoked])))


@pytest.mark.parametrize(("in_s", "said"), [(-60, "has expired"), (86_400, "expires in 24 h"), (30 * 86_400, "")])
def test_a_key_that_has_expired_or_soon_does_is_a_warning(in_s: float, said: str) -> None:
    key = Held(name="n8n", hash="a" * 64, source="store", expires_at=timestamp(NOW + in_s))
    other = Held(name="dev", hash="b" * 64, source="store")
    found = bad(keys.stored(facts(keys=[key, other])))
    assert [said in remark.what for remark in found] == [True] * bool(said)
    assert all("oneai keys rotate 'n8n'" in remark.mend for remark in found)
    assert not bad(keys.stored(facts(keys=[replace(key, name="n8n (until x)"), other])))
    assert not bad(keys.stored(facts(keys=[replace(key, revoked_at=timestamp(NOW)), other])))


def test_with_no_key_but_the_local_one_an_automation_needs_one() -> None:
    local = Held(name="local", hash="a" * 64, source="local", admin=True)
    only(keys.stored(facts(keys=[local])), Level.WARNING, "oneai keys create")
    assert not bad(keys.stored(facts(keys=[local], environ={"API_KEY_ENABLED": "false"})))


def test_a_key_whose_row_cannot_be_read_is_a_problem() -> None:
    registry = build([], [{"key_hash": "a" * 64, "name": "n8n", "allow": "all"}])
    only(keys.stored(facts(registry=registry)), Level.PROBLEM, "aaaaaaaa", "oneai keys revoke")


def test_no_models_none_active_and_some_inactive_are_told_apart() -> None:
    only(models.registered(facts()), Level.WARNING, "oneai models add")
    only(models.registered(facts(model("op1", active=False))), Level.PROBLEM, "oneai models enable op1")
    only(models.registered(facts(model("op1", active=False), model("op2"))), Level.WARNING, "oneai models enable op1")


def test_what_was_wrong_in_a_row_is_said() -> None:
    only(
        models.registered(facts(model("op1", timeout_ms="soon"))), Level.WARNING, "timeout_ms", "oneai models show op1"
    )


@pytest.mark.parametrize(
    ("meta", "probe", "level", "words"),
    [
        ({}, Probe(answers=False, why="connection refused"), Level.PROBLEM, ("refused", "test op1 --direct")),
        ({}, Probe(answers=True, why="it asks for a secret (401)"), Level.WARNING, ("secret",)),
        ({}, Probe(answers=True, served=("a", "b")), Level.WARNING, ("a, b", "served_model=a")),
        ({"served_model": "c"}, Probe(answers=True, served=("a",)), Level.PROBLEM, ("as c", "served_model=a")),
    ],
)
def test_what_a_models_server_answers_is_judged(
    meta: dict[str, Any], probe: Probe, level: Level, words: Sequence[str]
) -> None:
    only(models.each(facts(model("op1", meta=meta), probes={"op1": probe})), level, *words)


def test_a_name_that_is_clear_is_no_finding() -> None:
    several = Probe(answers=True, served=("a", "b"))
    for meta in ({"name": "b"}, {"served_model": "b"}):
        assert not bad(models.each(facts(model("op1", meta=meta), probes={"op1": several})))


def test_a_credential_that_is_not_set_is_a_problem() -> None:
    row = model("op1", meta={"credential_env": "MODEL_OP1_API_KEY"})
    only(models.each(facts(row)), Level.PROBLEM, "MODEL_OP1_API_KEY")
    assert not bad(models.each(facts(row, environ={"MODEL_OP1_API_KEY": "x"})))


def test_an_open_circuit_and_a_misconfigured_model_are_problems() -> None:
    given = facts(model("op1"))
    opened = state_of(given, "op1", circuit="open", last_error="connection refused")
    only(models.each(opened), Level.PROBLEM, "connection refused", "oneai models health op1 --reset")
    only(models.each(state_of(given, "op1", misconfigured="401")), Level.PROBLEM, "oneai models show op1")


def test_a_time_out_beyond_what_clients_wait_is_a_warning() -> None:
    only(models.each(facts(model("op1", timeout_ms=300_000))), Level.WARNING, "300 s", "timeout_ms=280000")
    assert not bad(models.each(facts(model("op1", timeout_ms=290_000))))


def test_an_inactive_model_is_not_asked_after() -> None:
    row = model("op1", active=False, timeout_ms=900_000)
    assert not list(models.each(facts(row, probes={})))


def test_an_override_that_differs_is_a_warning_and_one_that_agrees_is_not() -> None:
    row = model("op1")
    differs = facts(row, environ={"MODEL_OP1_TIMEOUT": "120000"})
    only(overrides.judged(differs), Level.WARNING, "MODEL_OP1_TIMEOUT", "120000 instead of 60000")
    assert not bad(overrides.judged(facts(row, environ={"MODEL_OP1_TIMEOUT": "60000"})))


def test_an_override_of_no_model_and_one_with_a_password_are_told_carefully() -> None:
    only(overrides.judged(facts(environ={"MODEL_OP7_TIMEOUT": "1"})), Level.WARNING, "MODEL_OP7_*", "no model op7")
    secret = facts(model("op1"), environ={"MODEL_OP1_ENDPOINT": "http://user:hunter2@gpu.example/v1"})
    only(overrides.judged(secret), Level.WARNING, "MODEL_OP1_ENDPOINT")
    assert "hunter2" not in str(list(overrides.judged(secret)))


@pytest.mark.parametrize(
    ("rows", "level", "words"),
    [
        ([model("op1", "os1"), model("os1", "op1")], Level.PROBLEM, ("op1 → os1 → op1", "fallback --clear")),
        ([model("op1", "op9")], Level.PROBLEM, ("op9",)),
        ([model("op1", "lp1"), model("lp1")], Level.PROBLEM, ("llm",)),
        ([model("op1", "os1"), model("os1", active=False)], Level.WARNING, ("oneai models enable os1",)),
        ([model("op1"), model("op2")], Level.WARNING, ("ends at op1", "oneai models fallback op1 op2")),
        (
            [model("op1", "op2", timeout_ms=200_000), model("op2", timeout_ms=100_000)],
            Level.WARNING,
            ("300 s", "oneai models set op1 timeout_ms=145000"),
        ),
    ],
)
def test_what_is_wrong_with_a_chain_is_said(rows: list[Row], level: Level, words: Sequence[str]) -> None:
    only(chains.judged(facts(*rows)), level, *words)


def test_one_model_alone_one_for_validation_and_a_crossing_that_may_be_are_well() -> None:
    assert not bad(chains.judged(facts(model("op1"), model("lp1"))))
    assert not bad(chains.judged(facts(model("op1"), model("ov1"))))
    assert not bad(chains.judged(facts(model("op1", "vp1"), model("vp1"))))


def test_a_warning_alone_is_exit_seven_and_none_is_zero() -> None:
    given = facts()
    assert exit_code(given, [ok("a", "b")]) == 0
    assert exit_code(given, [ok("a", "b"), warning("a", "b", "c")]) == 7


@pytest.fixture
def served() -> Iterator[Sequence[ModelServer]]:
    with living.opened(living.models(answers(chat("42")))) as found:
        yield found


def test_it_looks_at_all_that_really_runs(
    cli: Cli, home: Path, served: Sequence[ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with living.opened(living.gateway(home)) as url:
        living.pointed(monkeypatch, ONEAI_URL=url)
        living.add(cli, "os1", served[0].endpoint)
        assert cli("keys", "create", "n8n").code == 0
        well = cli("doctor", "--json")
        assert (well.code, well.json["ok"]) == (0, True), well.out
        living.add(cli, "op1", model_server.refusing_endpoint(), "--fallback", "os1")
        ill = cli("doctor", "--json")
        shown = cli("doctor", width=80)
    assert (ill.code, ill.json["problems"], ill.json["warnings"]) == (7, 1, 0)
    assert "oneai models test op1 --direct" in shown.out
    assert f"version {__version__}" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_without_anything_it_still_looks(cli: Cli, home: Path) -> None:
    ended = cli("doctor", "--json")
    assert ended.code == 7
    assert any("oneai serve" in check["mend"] for check in ended.json["checks"])
    assert not home.exists()


def test_a_store_that_is_away_is_exit_one(cli: Cli, refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    living.pointed(monkeypatch, SUPABASE_URL=refusing, SUPABASE_SERVICE_KEY="sb_" + "secret_" + "x" * 20)
    ended = cli("doctor", "--json")
    assert ended.code == 1
    assert any(check["topic"] == "store" and check["level"] == "problem" for check in ended.json["checks"])
