"""What an OCR server is started with."""

import os
from dataclasses import dataclass, field


def usual_workers() -> int:
    """One a core, and at most four: a page takes one core and up to 100 MB."""
    return min(os.cpu_count() or 1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve; times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8010
    """0 takes a free one."""
    workers: int = field(default_factory=usual_workers)
    lang: str = "eng"
    """Tesseract's language codes, joined by `+`: `eng+deu`."""
    max_queue: int = 16
    """Pages that may wait for a worker; the next one is answered 503."""
    page_timeout_s: float = 60.0
    max_body_mb: int = 64

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.lang.split("+"))
