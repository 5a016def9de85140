"""Fresh identifiers that sort by the time they were made: UUIDv7 (RFC 9562, 5.7), as text."""

import random
import time


def uuid7() -> str:
    """A UUIDv7: 48 bits of milliseconds, 74 of chance. Good for uniqueness, not for secrets."""
    text = _digits()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def call_id() -> str:
    """A call's id: `run_` and 32 hex digits."""
    return f"run_{_digits()}"


def _digits() -> str:
    stamp = time.time_ns() // 1_000_000
    chance = random.getrandbits(74)
    value = stamp << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | (chance & (1 << 62) - 1)
    return f"{value:032x}"
