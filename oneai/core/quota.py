"""How many calls each key has in flight, where its row sets a limit."""

from collections.abc import Iterator
from contextlib import contextmanager

from oneai.errors import TooManyCalls
from oneai.types import Key


class Quota:
    """A key without a limit is not counted."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    @contextmanager
    def place(self, key: Key) -> Iterator[None]:
        """Hold one of the key's places while the block runs. Raises TooManyCalls where all are held."""
        if key.max_in_flight is None:
            yield
            return
        held = self._held.get(key.hash, 0)
        if held >= key.max_in_flight:
            raise TooManyCalls(retry_after_s=1, limit=key.max_in_flight)
        self._held[key.hash] = held + 1
        try:
            yield
        finally:
            self._held[key.hash] -= 1
            if not self._held[key.hash]:
                del self._held[key.hash]
