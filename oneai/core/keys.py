"""API keys: made, hashed, found by their hash, and what each may call."""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from oneai.core import codes
from oneai.errors import BadKey, ExpiredKey, RevokedKey
from oneai.types import Key, Model

_PREFIX = "oo-"


def generate(random: bytes) -> str:
    """A key of 32 random bytes: `oo-` and 64 hex digits."""
    if len(random) != 32:
        raise ValueError(f"a key takes 32 random bytes, not {len(random)}")
    return _PREFIX + random.hex()


def hash_of(key: str) -> str:
    """SHA-256 in hex. A header that was no UTF-8 arrives with lone surrogates: those hash too."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def from_environment(entries: Iterable[str], admin: bool) -> list[Key]:
    """The keys of API_KEYS or ADMIN_API_KEYS: any text, or `name=oo-…`; they may call every model."""
    return [_listed(entry, admin) for entry in entries if entry]


def find(keys: Mapping[str, Key], presented: str, now: float) -> Key:
    """The key that a client sent, `now` in seconds since the epoch; raises BadKey, RevokedKey or ExpiredKey."""
    digest = hash_of(presented)
    key = keys.get(digest)
    if key is None or not hmac.compare_digest(digest, key.hash):
        raise BadKey
    if key.revoked:
        raise RevokedKey
    if key.expires_at is not None and now >= key.expires_at:
        raise ExpiredKey
    return key


def may(key: Key, model: Model) -> bool:
    """Whether the key may call this model, by its code or its domain's letter."""
    return key.allow is None or model.code in key.allow or codes.letter(model.domain) in key.allow


def nobody() -> Key:
    """Who calls when API_KEY_ENABLED is false: may call every model, and is no admin."""
    return Key(hash="", name="anonymous")


def _listed(entry: str, admin: bool) -> Key:
    # A key may itself hold an '=', so only what is surely a key behind it makes the part before a name.
    name, _, rest = entry.partition("=")
    key = rest if rest.startswith(_PREFIX) else entry
    digest = hash_of(key)
    named = name if key is rest and name else f"env:{digest[:8]}"
    return Key(hash=digest, name=named, admin=admin)
