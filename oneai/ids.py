"""Fresh identifiers that sort by the time they were made: UUIDv7 (RFC 9562, 5.7), as text."""

import random
import time

_VARIANT, _LOW = 0b10 << 62, (1 << 62) - 1


def uuid7() -> str:
    """A UUIDv7: 48 bits of milliseconds, 74 of chance. Good for uniqueness, not for secrets."""
    stamp, chance = time.time_ns() // 1_000_000, random.getrandbits(74)
    head, tail = f"{stamp:012x}", f"{_VARIANT | chance & _LOW:016x}"
    return f"{head[:8]}-{head[8:]}-7{chance >> 62:03x}-{tail[:4]}-{tail[4:]}"


def call_id() -> str:
    """A call's id: `run_` and 32 hex digits."""
    stamp, chance = time.time_ns() // 1_000_000, random.getrandbits(74)
    return f"run_{stamp:012x}7{chance >> 62:03x}{_VARIANT | chance & _LOW:016x}"
