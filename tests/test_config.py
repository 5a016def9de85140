from pathlib import Path

import pytest

from oneai import config
from oneai.errors import BadSetting


def load(**environ: str) -> config.Settings:
    return config.load(environ=environ)


def test_nothing_set_means_loopback_sqlite_and_keys_on(tmp_path: Path) -> None:
    settings = load(ONEAI_HOME=str(tmp_path))
    assert (settings.host, settings.port, settings.api_key_enabled) == ("127.0.0.1", 3100, True)
    assert settings.store_url == f"sqlite:{tmp_path}/oneai.db"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "master.env"
    file.write_text("PORT=3200\nHOST=0.0.0.0\n")
    settings = config.load(file, {"PORT": "3300"})
    assert (settings.port, settings.host) == (3300, "0.0.0.0")
    assert settings.gateway_url == "http://127.0.0.1:3300"


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="a file that exists"):
        config.load(tmp_path / "none.env", {})


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("PORT", "http", "accepted is a whole number."),
        ("PORT", "70000", "65535 or less"),
        ("API_KEY_ENABLED", "perhaps", "accepted is true or false."),
        ("SUPABASE_URL", "project", "http:// or https://"),
        ("ONEAI_RETENTION_DAYS", "-1", "accepted is 0 or more."),
        ("SUPABASE_URL", "http://db.example:99999", "port from 1 to 65535"),
        ("API_KEY_HEADER", "X API Key", "letters, digits and hyphens"),
        ("ONEAI_LOG_LEVEL", "loud", "'debug'"),
        ("MODEL_OP1_TIMEOUT", "2m", "whole number from 1"),
        ("MODEL_OP1_ENDPOINT", "gpu:8000", "http:// or https://"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(name: str, value: str, accepted: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load(**{name: value})
    assert name in str(caught.value)
    assert accepted in str(caught.value)


def test_a_wrong_secret_is_masked() -> None:
    with pytest.raises(BadSetting) as caught:
        load(SUPABASE_URL="postgres://user:hunter2@db.example")
    assert "hunter2" not in str(caught.value)


def test_a_supabase_url_needs_its_key() -> None:
    with pytest.raises(BadSetting, match="SUPABASE_SERVICE_KEY"):
        load(SUPABASE_URL="https://project.example")


def test_model_variables_become_overrides_and_credentials() -> None:
    settings = load(
        MODEL_OP1_ENDPOINT="http://gpu.example:8000/v1/chat/completions",
        MODEL_OP1_TIMEOUT="90000",
        MODEL_OP1_FALLBACK="OP2",
        MODEL_OP1_API_KEY="s3cret",
        ONEAI_CREDENTIAL_VLLM="other",
    )
    assert settings.overrides["op1"]["timeout_ms"] == 90000
    assert settings.overrides["op1"]["fallback"] == "op2"
    assert set(settings.credentials) == {"MODEL_OP1_API_KEY", "ONEAI_CREDENTIAL_VLLM"}
    assert "s3cret" not in repr(settings)


def test_keys_are_split_and_empty_ones_left_out() -> None:
    settings = load(API_KEYS=" n8n=first, second ,,")
    assert [key.get_secret_value() for key in settings.api_keys] == ["n8n=first", "second"]


def test_what_is_no_setting_is_named_wherever_it_is_surely_meant_as_one(tmp_path: Path) -> None:
    file = tmp_path / "master.env"
    file.write_text("PORTS=3200\nMODEL_OP1_TIMEOUT=1000\n")
    settings = config.load(file, {"ONEAI_HOEM": "/data", "HOMEPAGE": "x", "ONEAI_CREDENTIAL_BOX": "s"})
    assert settings.unknown == ("ONEAI_HOEM", "PORTS")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.env"
    file.write_bytes(b"\xff\xfe\x00PORT")
    with pytest.raises(BadSetting, match="no UTF-8 text"):
        config.load(file, {})


def test_the_example_file_names_every_variable_and_no_other() -> None:
    example = Path(__file__).parent.parent / "master.env.example"
    named = {
        line.lstrip("# ").split("=")[0]
        for line in example.read_text().splitlines()
        if "=" in line and line.lstrip("# ").split("=")[0].isupper()
    }
    known = {str(field.alias) for field in config.Settings.model_fields.values() if field.alias}
    per_model = {name for name in named if name.startswith(("MODEL_", "ONEAI_CREDENTIAL_"))}
    assert named - per_model == known | {"ONEAI_ENV_FILE"}
    assert per_model >= {
        "MODEL_OP1_ENDPOINT",
        "MODEL_OP1_TIMEOUT",
        "MODEL_OP1_FALLBACK",
        "MODEL_OP1_MAX_TOKENS",
    }
