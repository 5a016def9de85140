from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneai.core import keys
from oneai.errors import BadKey, ExpiredKey, RevokedKey
from oneai.types import Domain, Key, Model, Role

KEY = keys.generate(bytes(range(32)))
NOW = 1_000_000.0


def known(**changes: object) -> dict[str, Key]:
    key = Key(hash=keys.hash_of(KEY), name="n8n", **changes)  # type: ignore[arg-type]
    return {key.hash: key}


def model(code: str = "op1", domain: Domain = Domain.OCR) -> Model:
    return Model(code=code, domain=domain, role=Role.PRIMARY, index=1, provider="any", endpoint="http://gpu.example")


def test_a_key_is_its_prefix_and_its_random_bytes_in_hex() -> None:
    made = keys.generate(b"\x0f" * 32)
    assert made == "oo-" + "0f" * 32


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_too_few_or_too_many_bytes_is_not_made(length: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        keys.generate(bytes(length))


def test_a_hash_is_the_sha256_of_the_key_as_sent() -> None:
    assert keys.hash_of(KEY) == sha256(KEY.encode()).hexdigest()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_presented_can_be_hashed_and_is_refused(presented: str) -> None:
    with pytest.raises(BadKey):
        keys.find(known(), presented, NOW)


def test_a_header_that_was_no_utf_8_is_refused_like_any_other() -> None:
    with pytest.raises(BadKey):
        keys.find(known(), b"\xff\xfe".decode("utf-8", "surrogateescape"), NOW)


def test_a_known_key_is_found() -> None:
    assert keys.find(known(), KEY, NOW).name == "n8n"


def test_a_hash_presented_as_a_key_is_refused() -> None:
    with pytest.raises(BadKey):
        keys.find(known(), keys.hash_of(KEY), NOW)


def test_a_key_filed_under_another_hash_is_refused() -> None:
    other = Key(hash=keys.hash_of("other"), name="other")
    with pytest.raises(BadKey):
        keys.find({keys.hash_of(KEY): other}, KEY, NOW)


def test_a_revoked_key_is_named_so_even_when_it_has_expired() -> None:
    with pytest.raises(RevokedKey):
        keys.find(known(revoked=True, expires_at=NOW - 1), KEY, NOW)


def test_a_key_works_until_the_second_it_expires() -> None:
    assert keys.find(known(expires_at=NOW), KEY, NOW - 0.001)
    with pytest.raises(ExpiredKey):
        keys.find(known(expires_at=NOW), KEY, NOW)


def test_an_entry_is_split_only_before_a_key_of_ours() -> None:
    named, plain, odd, unnamed = keys.from_environment([f"n8n={KEY}", KEY, "a=b=oo-c", f"={KEY}"], admin=False)
    assert (named.name, named.hash) == ("n8n", keys.hash_of(KEY))
    assert (plain.name, plain.hash) == (f"env:{keys.hash_of(KEY)[:8]}", keys.hash_of(KEY))
    assert (odd.name, odd.hash) == (f"env:{keys.hash_of('a=b=oo-c')[:8]}", keys.hash_of("a=b=oo-c"))
    assert (unnamed.name, unnamed.hash) == (plain.name, plain.hash)


def test_a_key_of_ours_with_an_equals_sign_behind_it_stays_whole() -> None:
    (key,) = keys.from_environment(["oo-short=oo"], admin=False)
    assert key.hash == keys.hash_of("oo-short=oo")


def test_environment_keys_may_all_and_are_admin_only_when_listed_so() -> None:
    (admin,) = keys.from_environment([KEY], admin=True)
    (client,) = keys.from_environment([KEY], admin=False)
    assert (admin.admin, client.admin) == (True, False)
    assert keys.may(client, model())


def test_an_empty_entry_makes_no_key() -> None:
    assert keys.from_environment(["", ""], admin=True) == []


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [
        (None, True),
        ({"op1"}, True),
        ({"o"}, True),
        ({"l", "op1"}, True),
        (set(), False),
        ({"op2"}, False),
        ({"l", "v"}, False),
        ({"ocr"}, False),
    ],
)
def test_a_key_may_call_by_code_or_domain_letter(allow: set[str] | None, allowed: bool) -> None:
    key = Key(hash="", name="any", allow=None if allow is None else frozenset(allow))
    assert keys.may(key, model()) is allowed


def test_nobody_may_call_every_model_and_is_no_admin() -> None:
    assert keys.may(keys.nobody(), model("rp1", Domain.RERANK))
    assert (keys.nobody().admin, keys.nobody().name) == (False, "anonymous")
