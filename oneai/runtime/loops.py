"""Work that is done again and again beside the calls: a fault in one round is logged, and the next round comes."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from oneai.errors import OneAIError
from oneai.logs import Log

_log = Log("loops")


async def repeat(
    name: str,
    every_s: float,
    work: Callable[[], Awaitable[object]],
    *,
    jitter: float = 0.0,
    first_s: float | None = None,
) -> None:
    """Do `work` every `every_s` ± `jitter` (a share of it), first after one pause or `first_s`; until cancelled."""
    failing, pause_s = False, every_s if first_s is None else first_s
    while True:
        await asyncio.sleep(pause_s * (1 + jitter * (2 * random.random() - 1)))  # noqa: S311
        pause_s = every_s
        try:
            await work()
        except OneAIError as exc:
            if not failing:
                _log.warning("round_failed", loop=name, reason=exc.message)
            failing = True
        except Exception:
            _log.exception("round_broke", loop=name)
            failing = True
        else:
            failing = False
