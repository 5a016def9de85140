"""Which URLs and keys a Supabase store takes, before it asks anything."""

import pytest

from oneai.errors import BadSetting
from oneai.store.supabase import connect
from tests.fakes.postgrest import Postgrest, on, token


async def test_connecting_asks_nothing() -> None:
    async with Postgrest() as server, on(server):
        assert server.log == []
        assert server.connections == 0


def made(key: str) -> str:
    """A key as it is, or a new JWT of a role: parameters name their tests, so they cannot hold one."""
    return token(key.removeprefix("role ")) if key.startswith("role ") else key


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("role anon", "a key of role anon"),
        ("role authenticated", "a key of role authenticated"),
        ("sb_publishable_abcdef", "a publishable key"),
        ("", "nothing"),
        ("two\nlines", "a key with spaces, line breaks"),
    ],
)
async def test_a_key_that_is_no_service_key_is_refused_at_once(key: str, found: str) -> None:
    key = made(key)
    with pytest.raises(BadSetting, match=f"SUPABASE_SERVICE_KEY: found {found}.*the service_role key") as caught:
        await connect("https://project.supabase.example", key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("key", ["role service_role", "sb_secret_abcdef", "of.another.kind", "opaque"])
async def test_a_key_that_may_be_a_service_key_is_taken(key: str) -> None:
    store = await connect("https://project.supabase.example", made(key))
    await store.close()


@pytest.mark.parametrize(
    "url",
    ["", "project.supabase.example", "ftp://project.example", "https://", "https://a:b", "https://[", "https://a b"],
)
async def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadSetting, match=r"SUPABASE_URL: .*https://<project-ref>\.supabase\.co"):
        await connect(url, token("service_role"))


async def test_a_login_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSetting) as caught:
        await connect("https://me:hidden@project.example", token("service_role"))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "/", "/rest/v1", "/rest/v1/"])
async def test_the_url_may_be_that_of_the_rest_api(path: str) -> None:
    store = await connect(f"https://project.supabase.example{path}", token("service_role"))
    assert store.name == "supabase:https://project.supabase.example"
    await store.close()
