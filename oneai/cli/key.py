"""The key that the command line shows a gateway."""

from oneai.config import Settings
from oneai.store import local_key


def own_key(settings: Settings) -> str | None:
    """ONEAI_API_KEY, else the local key, else the first of ADMIN_API_KEYS, else the first of API_KEYS."""
    if settings.api_key:
        return settings.api_key.get_secret_value()
    if local := local_key.read(settings.home):
        return local
    listed = [*settings.admin_api_keys, *settings.api_keys]
    return _bare(listed[0].get_secret_value()) if listed else None


def _bare(entry: str) -> str:
    """An entry of API_KEYS without its name: `name=oo-…`."""
    _name, _, rest = entry.partition("=")
    return rest if rest.startswith("oo-") else entry
