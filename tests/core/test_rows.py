import time
from collections.abc import Iterator
from typing import Any

import pytest

from oneai.core import rows
from oneai.core.cells import RowWarning
from oneai.core.keys import hash_of
from oneai.types import Key, Model, Price, Role, Row
from tests.core.rows_of import key_row, row

HASH = hash_of("a client's key")
HUGE = 1 << 15_000  # neither a float nor, as Python refuses to write it out, a text


def read(given: Row, **overrides: dict[str, Any]) -> tuple[Model | None, list[RowWarning]]:
    warnings: list[RowWarning] = []
    return rows.model_of(given, overrides, warnings), warnings


def sound(given: Row, **overrides: dict[str, Any]) -> Model:
    model, warnings = read(given, **overrides)
    assert model is not None
    assert warnings == []
    return model


def doubtful(given: Row, field: str) -> Model:
    """The model of a row with exactly one thing wrong."""
    model, warnings = read(given)
    assert [warning.field for warning in warnings] == [field]
    assert model is not None
    assert warnings[0].model == model.code
    return model


def read_key(given: Row) -> tuple[Key | None, list[RowWarning]]:
    warnings: list[RowWarning] = []
    return rows.key_of(given, 7, warnings), warnings


def test_nulls_are_the_defaults_of_the_schema() -> None:
    model = sound(row(timeout_ms=None, max_tokens=None, active=None, fallback_model_code=None, provider=None))
    assert (model.timeout_ms, model.max_tokens, model.active, model.fallback) == (60_000, 4096, True, None)


def test_columns_that_are_missing_are_the_defaults_too() -> None:
    given = {name: row()[name] for name in ("model_code", "domain", "role", "endpoint", "meta")}
    assert (sound(given).timeout_ms, sound(given).active) == (60_000, True)


def test_numbers_may_be_strings() -> None:
    model = sound(row(timeout_ms=" 90000", max_tokens=2048.0, meta={"max_in_flight": "4", "price": {"in": "0.5"}}))
    assert (model.timeout_ms, model.max_tokens, model.max_in_flight, model.price.tokens_in) == (90_000, 2048, 4, 0.5)


@pytest.mark.parametrize(
    "value",
    [0, -1, "soon", 1.5, True, [], float("nan"), float("inf"), 2**31, pytest.param(HUGE, id="huge"), "9" * 5000],
)
def test_a_timeout_that_is_no_number_from_1_is_the_default_with_a_warning(value: object) -> None:
    assert doubtful(row(timeout_ms=value), "timeout_ms").timeout_ms == 60_000


@pytest.mark.parametrize(("value", "active"), [(0, False), (1, True), ("false", False), ("t", True)])
def test_active_may_be_written_as_sqlite_does(value: object, active: bool) -> None:
    assert sound(row(active=value)).active is active


@pytest.mark.parametrize("value", ["perhaps", 2, pytest.param(HUGE, id="huge"), [], 0.5])
def test_an_unreadable_active_is_true_with_a_warning(value: object) -> None:
    assert doubtful(row(active=value), "active").active is True


@pytest.mark.parametrize("code", ["my model", "qwen-3", "OP1", "op01", "ünïcode"])
def test_a_strange_code_goes_by_its_columns(code: str) -> None:
    model = sound(row(code, domain="llm", role="backup"))
    assert (model.code, model.domain, model.role, model.index) == (code, "llm", Role.BACKUP, 0)


def test_the_domain_is_the_columns_even_where_the_code_says_another() -> None:
    assert sound(row("op1", domain=" LLM ")).domain == "llm"


def test_an_unknown_role_is_what_the_code_says_or_none() -> None:
    assert doubtful(row("ob2", role="main"), "role").role is Role.BACKUP
    assert doubtful(row("strange", role=None), "role").role is None


@pytest.mark.parametrize("code", [None, "", "  ", 7, [], "op1\r\nX-Evil: 1", "\ud800"])
def test_a_row_without_a_code_is_left_out(code: object) -> None:
    model, (warning,) = read(row() | {"model_code": code})
    assert model is None
    assert (warning.field, warning.model) == ("model_code", "")


@pytest.mark.parametrize("domain", [None, "", "audio", 3, []])
def test_a_row_of_an_unknown_domain_is_left_out(domain: object) -> None:
    model, (warning,) = read(row(domain=domain))
    assert model is None
    assert (warning.model, warning.field) == ("op1", "domain")
    assert "ocr, llm, vision, tools, embed, rerank" in warning.what


@pytest.mark.parametrize(
    "endpoint",
    [None, "", 8000, "gpu.example:8000", "ftp://gpu.example", "http://", "http://[::1", "http://gpu.example:70000",
     "http://gpu.example/a b", "http://gpu.example/\nb", "file:///etc/passwd"],
)  # fmt: skip
def test_a_row_without_an_http_endpoint_is_left_out(endpoint: object) -> None:
    model, warnings = read(row(endpoint=endpoint))
    assert model is None
    assert [(warning.model, warning.field) for warning in warnings] == [("op1", "endpoint")]


def test_a_wrong_endpoint_is_not_repeated_in_its_warning() -> None:
    _, (warning,) = read(row(endpoint="ftp://user:hunter2@gpu.example"))
    assert "hunter2" not in warning.what


def test_a_removed_row_is_hidden_without_a_word() -> None:
    assert read(row(domain="audio", meta={"removed_at": "2026-01-01T00:00:00Z"})) == (None, [])
    assert sound(row(meta={"removed_at": None})).code == "op1"


@pytest.mark.parametrize("meta", [None, '{"name": "as text"}', [], 3, True])
def test_a_meta_that_is_no_object_is_empty_with_a_warning(meta: object) -> None:
    model = doubtful(row(meta=meta), "meta")
    assert (model.meta, model.name, model.max_in_flight) == ({}, "", 32)


def test_meta_is_read_once_into_the_model() -> None:
    meta = {
        "name": "Qwen",
        "description": "Small\nand fast",
        "credential_env": "ONEAI_CREDENTIAL_VLLM_2",
        "served_model": "qwen/qwen3",
        "price": {"in": 0.1, "out": 0.4, "request": 0.001},
        "max_in_flight": 8,
        "when_busy": "next",
        "health_path": "/ping",
        "aliases": ["qwen", "qwen", "gpt-4o"],
        "paths": {"chat": "/api/chat", "rerank": "/rerank?top=1"},
        "idle_ms": 5,
    }
    model = sound(row("lp1", meta=meta))
    assert (model.name, model.description, model.served_model) == ("Qwen", "Small\nand fast", "qwen/qwen3")
    assert model.credential_env == "ONEAI_CREDENTIAL_VLLM_2"
    assert model.price == Price(tokens_in=0.1, tokens_out=0.4, request=0.001)
    assert (model.max_in_flight, model.passes_when_busy, model.health_path) == (8, True, "/ping")
    assert model.aliases == ("qwen", "gpt-4o")
    assert model.paths == {"chat": "/api/chat", "rerank": "/rerank?top=1"}
    assert model.meta == meta


@pytest.mark.parametrize(
    ("name", "value", "field", "attribute", "default"),
    [
        ("name", 3, "meta.name", "name", ""),
        ("name", "\ud800", "meta.name", "name", ""),
        ("description", [], "meta.description", "description", ""),
        ("served_model", {}, "meta.served_model", "served_model", None),
        ("price", "free", "meta.price", "price", Price()),
        ("price", {"in": -1}, "meta.price.in", "price", Price()),
        ("price", {"out": "nan"}, "meta.price.out", "price", Price()),
        ("price", {"request": HUGE}, "meta.price.request", "price", Price()),
        ("max_in_flight", 0, "meta.max_in_flight", "max_in_flight", 32),
        ("when_busy", "later", "meta.when_busy", "passes_when_busy", False),
        ("when_busy", [], "meta.when_busy", "passes_when_busy", False),
        ("health_path", "ping", "meta.health_path", "health_path", None),
        ("health_path", "//other.example/", "meta.health_path", "health_path", None),
        ("health_path", "/a\r\nb", "meta.health_path", "health_path", None),
        ("aliases", "qwen", "meta.aliases", "aliases", ()),
        ("aliases", ["qwen", 3, ""], "meta.aliases", "aliases", ("qwen",)),
        ("paths", [], "meta.paths", "paths", {}),
        ("paths", {"chat": "v1", "rerank": "/r"}, "meta.paths.chat", "paths", {"rerank": "/r"}),
        ("paths", {"speech": "/tts", "chat": "/c"}, "meta.paths", "paths", {"chat": "/c"}),
    ],
)
def test_a_wrong_field_of_meta_is_its_default_with_a_warning(
    name: str, value: object, field: str, attribute: str, default: object
) -> None:
    assert getattr(doubtful(row(meta={name: value}), field), attribute) == default


@pytest.mark.parametrize(
    ("code", "name"),
    [("op1", "MODEL_OP1_API_KEY"), ("op1", "ONEAI_CREDENTIAL_A"), ("my-model", "ONEAI_CREDENTIAL_A"),
     ("qwen3", "MODEL_QWEN3_API_KEY")],
)  # fmt: skip
def test_a_row_may_name_its_own_or_a_shared_credential(code: str, name: str) -> None:
    assert sound(row(code, meta={"credential_env": name})).credential_env == name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("op1", "MODEL_OP2_API_KEY"),
        ("op1", "SUPABASE_SERVICE_KEY"),
        ("op1", "API_KEYS"),
        ("op1", "ONEAI_API_KEY"),
        ("op1", "ONEAI_CREDENTIAL_"),
        ("op1", "XONEAI_CREDENTIAL_A"),
        ("op1", "ONEAI_CREDENTIAL_a"),
        ("op1", "MODEL_OP1_API_KEY2"),
        ("OP1", "MODEL_OP1_API_KEY"),
        ("oP1", "MODEL_OP1_API_KEY"),
        ("oſ1", "MODEL_OS1_API_KEY"),
    ],
)
def test_a_row_cannot_send_another_secret_out(code: str, name: str) -> None:
    assert doubtful(row(code, meta={"credential_env": name}), "meta.credential_env").credential_env is None


def test_the_environment_wins_over_the_row_and_says_which_field() -> None:
    own = {"endpoint": "https://new.example/v1", "timeout_ms": 5000, "fallback": None, "max_tokens": 10}
    model = sound(row(fallback_model_code="op2", endpoint="wrong"), op1=own)
    assert (model.endpoint, model.timeout_ms, model.fallback, model.max_tokens) == (*own.values(),)
    assert model.overridden == {
        "endpoint": "MODEL_OP1_ENDPOINT",
        "timeout_ms": "MODEL_OP1_TIMEOUT",
        "fallback": "MODEL_OP1_FALLBACK",
        "max_tokens": "MODEL_OP1_MAX_TOKENS",
    }


def test_reading_a_row_leaves_it_as_it_was() -> None:
    given = row()
    sound(given, op1={"timeout_ms": 5000})
    assert given == row()


@pytest.mark.parametrize("code", ["my-model", "OP1"])
def test_a_code_that_no_variable_can_name_is_not_overridden(code: str) -> None:
    model = sound(row(code), **{code: {"timeout_ms": 5000}})
    assert (model.timeout_ms, model.overridden) == (120_000, {})


def test_a_key_row_is_read_whole() -> None:
    given = key_row(
        HASH.upper(), allow=["op1", "l"], admin=True, expires_at="1970-01-01T01:00:00+01:00", max_in_flight=3
    )
    key, warnings = read_key(given)
    assert warnings == []
    assert key == Key(hash=HASH, name="n8n", allow=frozenset({"op1", "l"}), admin=True, expires_at=0.0, max_in_flight=3)


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XYZ-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_a_time_without_a_zone_is_utc_wherever_the_machine_is() -> None:
    key, _ = read_key(key_row(HASH, expires_at="1970-01-02T00:00:00"))
    assert key is not None
    assert key.expires_at == 86_400


def test_no_allow_is_all_and_an_empty_one_is_none() -> None:
    free, _ = read_key(key_row(HASH))
    shut, _ = read_key(key_row(HASH, allow=[]))
    assert free is not None
    assert shut is not None
    assert (free.allow, shut.allow) == (None, frozenset())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allow", "op1"),
        ("allow", ["op1", 3]),
        ("allow", {}),
        ("admin", "maybe"),
        ("expires_at", "tomorrow"),
        ("expires_at", 99),
        ("max_in_flight", 0),
        ("name", 5),
    ],
)
def test_a_key_with_a_right_that_cannot_be_read_is_left_out(name: str, value: object) -> None:
    key, (warning,) = read_key(key_row(HASH, **{name: value}))
    assert key is None
    assert warning.field == f"api_keys.{name}"
    assert HASH[:8] in warning.what
    assert HASH not in warning.what


@pytest.mark.parametrize("value", [None, "", "abc", 5, HASH + "0", "oo-" + HASH])
def test_a_key_row_without_a_hash_is_left_out_and_named_by_its_place(value: object) -> None:
    key, (warning,) = read_key(key_row("") | {"key_hash": value})
    assert key is None
    assert "row 7" in warning.what
    assert HASH not in warning.what


def test_a_slip_elsewhere_in_a_revoked_row_does_not_bring_the_key_back() -> None:
    given = key_row(HASH, name=None, allow="junk", expires_at="junk", revoked_at="2026-01-01T00:00:00Z")
    assert read_key(given) == (Key(hash=HASH, name=f"key:{HASH[:8]}", revoked=True), [])
