"""Settings: the environment and master.env, read here and nowhere else.

The environment wins over the file. A wrong value is a `BadSetting` that names the variable, what was found (secrets
masked) and what is accepted.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from oneai.errors import BadSetting

_OVERRIDE = re.compile(r"MODEL_([A-Z0-9]+)_(ENDPOINT|TIMEOUT|FALLBACK|MAX_TOKENS)")
_CREDENTIAL = re.compile(r"MODEL_[A-Z0-9]+_API_KEY|ONEAI_CREDENTIAL_[A-Z0-9_]+")
_FIELDS = {
    "ENDPOINT": "endpoint",
    "TIMEOUT": "timeout_ms",
    "FALLBACK": "fallback",
    "MAX_TOKENS": "max_tokens",
}


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def _has_port(url: SplitResult) -> bool:
    """Whether what stands for a port is one, or nothing does."""
    try:
        return url.port != 0
    except ValueError:
        return False


def _http_url(value: Any) -> Any:
    url = urlsplit(value) if isinstance(value, str) else None
    if url is None or url.scheme not in ("http", "https") or not url.hostname or not _has_port(url):
        raise ValueError("an http:// or https:// address, its port from 1 to 65535")
    return str(value).rstrip("/")


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]


class Settings(BaseModel):
    """One field a variable; its alias is the variable's name. `master.env.example` has a line on each."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", alias="HOST", min_length=1)
    port: int = Field(3100, alias="PORT", ge=0, le=65535)
    node_env: str | None = Field(None, alias="NODE_ENV")

    api_key_enabled: bool = Field(True, alias="API_KEY_ENABLED")
    api_key_header: str = Field("X-API-Key", alias="API_KEY_HEADER", pattern=r"^[A-Za-z0-9-]+$")
    api_keys: Secrets = Field((), alias="API_KEYS")
    admin_api_keys: Secrets = Field((), alias="ADMIN_API_KEYS")
    metrics_public: bool = Field(False, alias="METRICS_PUBLIC")
    allow_image_urls: Names = Field((), alias="ALLOW_IMAGE_URLS")

    supabase_url: HttpUrl | None = Field(None, alias="SUPABASE_URL")
    supabase_service_key: SecretStr | None = Field(None, alias="SUPABASE_SERVICE_KEY")
    supabase_db_url: SecretStr | None = Field(None, alias="SUPABASE_DB_URL")

    home: Path = Field(Path("~/.oneai"), alias="ONEAI_HOME", validate_default=True)
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="ONEAI_LOG_LEVEL")
    max_body_mb: int = Field(64, alias="ONEAI_MAX_BODY_MB", ge=1, le=4096)
    max_body_total_mb: int = Field(512, alias="ONEAI_MAX_BODY_TOTAL_MB", ge=1, le=65536)
    journal_max_mb: int = Field(1024, alias="ONEAI_JOURNAL_MAX_MB", ge=8)
    retention_days: int = Field(90, alias="ONEAI_RETENTION_DAYS", ge=0)
    drain_delay_s: float = Field(0, alias="ONEAI_DRAIN_DELAY_S", ge=0, le=600)
    drain_s: float = Field(30, alias="ONEAI_DRAIN_S", ge=0, le=3600)

    stream_max_s: float = Field(1800, alias="ONEAI_STREAM_MAX_S", ge=1, le=86_400)
    head_hold_ms: int = Field(25_000, alias="ONEAI_HEAD_HOLD_MS", ge=0, le=3_600_000)

    url: HttpUrl | None = Field(None, alias="ONEAI_URL")
    api_key: SecretStr | None = Field(None, alias="ONEAI_API_KEY")

    overrides: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """Model code (lower case) to field to value, from MODEL_<CODE>_*."""
    credentials: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Secrets that model servers ask of us, by the variable's name."""
    env_file: Path | None = None
    unknown: tuple[str, ...] = ()
    """Names in the file, or ONEAI_* in the environment, that are no setting: misspelt, most likely."""

    @property
    def secrets(self) -> dict[str, str]:
        """The credentials in the clear, for what sends them."""
        return {name: secret.get_secret_value() for name, secret in self.credentials.items()}

    @property
    def gateway_url(self) -> str:
        return self.url or f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}"  # noqa: S104

    @property
    def store_url(self) -> str:
        return f"supabase:{self.supabase_url}" if self.supabase_url else f"sqlite:{self.home / 'oneai.db'}"

    def model_post_init(self, _context: Any) -> None:
        object.__setattr__(self, "home", self.home.expanduser().absolute())


def load(env_file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. An `env_file` that was named but is not there is a BadSetting."""
    environ = os.environ if environ is None else environ
    path = _env_file(env_file, environ)
    written = _read(path) if path else {}
    values = {name: value.strip() for name, value in (written | dict(environ)).items() if value.strip()}
    settings = _validated(values | {"overrides": _overrides(values), "credentials": _credentials(values)})
    _check_supabase(settings)
    return settings.model_copy(update={"env_file": path, "unknown": _unknown(written, environ)})


def _read(path: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8 text"
        raise BadSetting(
            name="--env-file", found=f"{path} ({why})", accepted="a text file of NAME=value lines"
        ) from exc


def _unknown(written: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, ...]:
    ours = _aliases()
    asked = set(written) | {name for name in environ if name.startswith("ONEAI_")}
    return tuple(sorted(name for name in asked if name not in ours and not _of_a_model(name)))


def _aliases() -> set[str]:
    return {str(field.alias) for field in Settings.model_fields.values() if field.alias} | {"ONEAI_ENV_FILE"}


def without_settings() -> dict[str, str]:
    """The environment of this process less every setting of ours: for a child that is to have its own."""
    ours = _aliases()
    return {name: value for name, value in os.environ.items() if not (name in ours or _of_a_model(name))}


def _of_a_model(name: str) -> bool:
    return bool(_OVERRIDE.fullmatch(name) or _CREDENTIAL.fullmatch(name))


def _env_file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    asked = named or (Path(environ["ONEAI_ENV_FILE"]) if environ.get("ONEAI_ENV_FILE") else None)
    if asked is None:
        return Path("master.env") if Path("master.env").is_file() else None
    if not asked.is_file():
        raise BadSetting(name="ONEAI_ENV_FILE / --env-file", found=str(asked), accepted="a file that exists")
    return asked


def _overrides(values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if match := _OVERRIDE.fullmatch(name):
            found.setdefault(match[1].lower(), {})[_FIELDS[match[2]]] = _override(name, match[2], value)
    return found


def _override(name: str, kind: str, value: str) -> Any:
    if kind in ("TIMEOUT", "MAX_TOKENS"):
        if not value.isdigit() or int(value) < 1:
            raise BadSetting(name=name, found=repr(value), accepted="a whole number from 1")
        return int(value)
    if kind == "ENDPOINT":
        try:
            return _http_url(value)
        except ValueError as exc:
            raise BadSetting(name=name, found=repr(value), accepted=str(exc)) from exc
    return None if value.lower() in ("none", "null") else value.lower()


def _credentials(values: Mapping[str, str]) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in values.items() if _CREDENTIAL.fullmatch(name)}


def _validated(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        raise BadSetting(name=name, found=_shown(name, first.get("input")), accepted=_accepted(first)) from exc


def _shown(name: str, value: Any) -> str:
    secret = any(word in name for word in ("KEY", "URL", "CREDENTIAL")) and name != "ONEAI_URL"
    if secret and name not in ("API_KEY_ENABLED", "API_KEY_HEADER"):
        return f"{str(value)[:3]}… ({len(str(value))} characters)"
    return repr(value)


_IN_WORDS = {
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "string_pattern_mismatch": "letters, digits and hyphens",
    "string_too_short": "a text",
    "value_error": "{error}",
    "literal_error": "{expected}",
}


def _accepted(error: Any) -> str:
    words = _IN_WORDS.get(error["type"])
    return words.format(**error.get("ctx", {})) if words else str(error["msg"])


def _check_supabase(settings: Settings) -> None:
    if settings.supabase_url and not settings.supabase_service_key:
        accepted = "the project's service role key, since SUPABASE_URL is set"
        raise BadSetting(name="SUPABASE_SERVICE_KEY", found="nothing", accepted=accepted)
