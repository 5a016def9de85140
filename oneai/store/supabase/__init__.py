"""The store in a Supabase project, over its REST API and with its service key."""

import time
from collections.abc import Callable

from oneai.store import Store
from oneai.store.supabase import access, link
from oneai.store.supabase.link import Patience
from oneai.store.supabase.store import SupabaseStore


async def connect(
    url: str,
    service_key: str,
    *,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Store:
    """A store in the project at `url` (https://<project-ref>.supabase.co). Nothing is asked yet: it may be away.

    Raises BadSetting when the URL is none, or the key is one that visitors have instead of the service key.
    """
    project, key = access.project(url), access.checked(service_key)
    opened = await link.connect(project, key, patience or Patience())
    return SupabaseStore(opened, role=access.role(key), clock=clock)
