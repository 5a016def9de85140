"""The bytes of all bodies that are held at once, and how many there may be."""

from oneai.errors import Overloaded, TooLarge

_MB = 1024 * 1024


class Budget:
    """Bodies reserve before they are read, and give back when their call has ended."""

    def __init__(self, *, each_mb: int, total_mb: int) -> None:
        self._each_mb = each_mb
        self._total = total_mb * _MB
        self.held = 0

    def reserve(self, size: int, already: int = 0) -> None:
        """Let a body that holds `already` bytes hold `size`. Raises TooLarge and Overloaded, and holds no more then."""
        if size > self._each_mb * _MB:
            raise TooLarge(limit_mb=self._each_mb)
        if self.held + size - already > self._total:
            raise Overloaded(retry_after_s=2)
        self.held += size - already

    def give_back(self, size: int) -> None:
        self.held -= size
