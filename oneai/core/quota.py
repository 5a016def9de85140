"""How many calls each key has in flight, where its row sets a limit."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from oneai.errors import TooManyCalls
from oneai.types import Key

_FREE = nullcontext()


class Quota:
    """A key without a limit is not counted."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def place(self, key: Key) -> AbstractContextManager[None]:
        """Hold one of the key's places while the block runs. Raises TooManyCalls where all are held."""
        return _FREE if key.max_in_flight is None else self._counted(key, key.max_in_flight)

    @contextmanager
    def _counted(self, key: Key, limit: int) -> Iterator[None]:
        held = self._held.get(key.hash, 0)
        if held >= limit:
            raise TooManyCalls(retry_after_s=1, limit=limit)
        self._held[key.hash] = held + 1
        try:
            yield
        finally:
            self._held[key.hash] -= 1
            if not self._held[key.hash]:
                del self._held[key.hash]
