"""What a project's URL and service key must look like, before anything is sent to it."""

import base64
import binascii
from urllib.parse import urlsplit

import orjson

from oneai.errors import BadSetting

_URL = "the project's URL, such as https://<project-ref>.supabase.co"
_KEY = "the service_role key"
_REFUSED_ROLES = ("anon", "authenticated")


def project(url: str) -> str:
    """The project's own URL, without the path of its REST API and without a slash at the end.

    Raises BadSetting when it is no http or https URL, or carries a password that would show in messages.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(sign.isspace() for sign in parts.netloc):
        raise BadSetting(name="SUPABASE_URL", found=repr(url.rpartition("@")[2]), accepted=_URL)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadSetting(name="SUPABASE_URL", found="a URL with a login or a query", accepted=_URL)
    path = parts.path.rstrip("/").removesuffix("/rest/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def checked(key: str) -> str:
    """The key itself, when it can be a service key; BadSetting, which never shows the key, when it cannot."""
    if not key or not key.isascii() or any(sign.isspace() for sign in key):
        raise _refused("nothing" if not key else "a key with spaces, line breaks or signs that no key has")
    if key.startswith("sb_publishable_"):
        raise _refused("a publishable key (sb_publishable_…)")
    if (claimed := role(key)) in _REFUSED_ROLES:
        raise _refused(f"a key of role {claimed}")
    return key


def role(key: str) -> str | None:
    """The role that a JWT claims, unverified; None of a key of another kind."""
    parts = key.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    named = claims.get("role") if isinstance(claims, dict) else None
    return named if isinstance(named, str) else None


def _refused(found: str) -> BadSetting:
    return BadSetting(name="SUPABASE_SERVICE_KEY", found=found, accepted=_KEY)
