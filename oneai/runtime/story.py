"""One call's story for `oneai why`: from memory, the journal or the store, whichever still has it."""

from typing import Any

from oneai.core.recent import Recent
from oneai.core.story import of_memory, of_rows
from oneai.store import Store
from oneai.store.journal import Journal


async def tell(id: str, recent: Recent, journal: Journal, store: Store | None) -> dict[str, Any] | None:
    """The newest call by this call id or request id, or `last`; None where nothing knows it. Raises StoreAway."""
    if ended := recent.find(id):
        return of_memory(ended)
    rows = await journal.find(id)
    if not rows and store is not None:
        rows = await store.calls(id)
    return of_rows(rows) if rows else None
