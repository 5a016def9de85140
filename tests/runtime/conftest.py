"""A runtime over a store that the test commands, in a home of its own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from oneai import config, runtime
from oneai.config import Settings
from oneai.runtime import Runtime
from oneai.types import Row
from tests.core.rows_of import key_row, row
from tests.fakes.stores import ToldStore, opener

Open = Callable[..., AbstractAsyncContextManager[Runtime]]


def settings(home: Path, **environ: str) -> Settings:
    """Of the environment alone; the store is the test's, under this name."""
    names = {
        "ONEAI_HOME": str(home),
        "SUPABASE_URL": "https://project.example",
        "SUPABASE_SERVICE_KEY": "sb_secret_of_a_test",
        "ADMIN_API_KEYS": "an-admins-key",
        "PORT": "0",
    }
    empty = home.parent / "empty.env"
    empty.touch()
    return config.load(empty, names | environ)


def writable(*rows: Row) -> list[Row]:
    """Rows as a store takes them."""
    return [{name: value for name, value in one.items() if not name.endswith("ed_at")} for one in rows]


@pytest.fixture
async def store() -> ToldStore:
    """Three models in a chain, and two keys."""
    told = ToldStore()
    await told.put_models(writable(row("lp1", fallback_model_code="lp2"), row("lp2"), row("op1")))
    for digit, name in (("a", "n8n"), ("b", "dev")):
        fields: dict[str, Any] = key_row(digit * 64, name=name)
        await told.put_key(fields)
    return told


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def open_runtime(store: ToldStore, home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr("oneai.runtime.store_side.opened", opener(store))

    def opened(**environ: str) -> AbstractAsyncContextManager[Runtime]:
        return runtime.opened(settings(home, **environ))

    return opened
