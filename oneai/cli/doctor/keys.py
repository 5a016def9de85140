"""The doctor on keys: those listed in the environment, and those of the store."""

import re
from collections.abc import Iterator

from oneai.cli import times
from oneai.cli.doctor.facts import Facts
from oneai.cli.doctor.remark import Remark, counted, ok, problem, warning
from oneai.core import keys

_WHOLE = re.compile(r"oo-[0-9a-f]{64}")
_LEAST = 24
"""Characters under which a key of another shape may be guessed."""
_SOON_S = 7 * 86_400


def listed(facts: Facts) -> Iterator[Remark]:
    """API_KEYS and ADMIN_API_KEYS, each by its name, never by itself; a revoked one can do no harm."""
    settings, revoked = facts.settings, {key.hash for key in facts.keys if key.revoked_at}
    for variable, entries in (("API_KEYS", settings.api_keys), ("ADMIN_API_KEYS", settings.admin_api_keys)):
        for entry in entries:
            key = keys.from_environment([entry.get_secret_value()], admin=False)[0]
            if key.hash not in revoked:
                yield from _entry(variable, key.name, entry.get_secret_value())


def _entry(variable: str, name: str, entry: str) -> Iterator[Remark]:
    before, _, rest = entry.partition("=")
    key = rest if rest.startswith("oo-") and before else entry
    renew = f"put a fresh key into {variable}, or take it out and `oneai keys create NAME`"
    if "<" in entry:
        yield problem("keys", f"an entry of {variable} is still its placeholder", renew)
    elif key.startswith("oo-") and not _WHOLE.fullmatch(key):
        what = f"{name} in {variable} begins as our keys do and is not one (oo- and 64 hex digits): was it cut short?"
        yield warning("keys", what, renew)
    elif len(key) < _LEAST:
        yield warning("keys", f"{name} in {variable} has {len(key)} characters: it may be guessed", renew)


def stored(facts: Facts) -> Iterator[Remark]:
    """Which have expired or soon do, which rows could not be read; and whether an automation may call at all."""
    for key in facts.keys:
        if not key.revoked_at:
            yield from _life(key.name, times.read(key.expires_at), facts.now)
    for found in facts.registry.warnings:
        if found.field.startswith("api_keys."):
            yield problem("keys", found.what, "oneai keys revoke HASH   # and create it anew")
    count = sum(1 for key in facts.keys if key.source != "local" and key.standing(facts.now) == "live")
    if count:
        yield ok("keys", f"{counted(count, 'key')} for callers, beside the local one")
    elif facts.settings.api_key_enabled:
        yield warning(
            "keys", "only the local key may call: an automation needs one of its own", "oneai keys create n8n"
        )


def _life(name: str, expires: float | None, now: float) -> Iterator[Remark]:
    if expires is None or expires > now + _SOON_S or "(until " in name:  # one in its grace ends as it should
        return
    if expires <= now:
        yield warning(
            "keys", f"{name} has expired", f"oneai keys rotate '{name}' --expires 90d   # or: oneai keys revoke"
        )
    else:
        hours = (expires - now) / 3600
        yield warning(
            "keys", f"{name} expires in {hours:,.0f} h", f"oneai keys rotate '{name}' --expires 90d --grace 24h"
        )
