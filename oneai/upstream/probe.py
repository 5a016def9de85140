"""Asks the server of an open circuit something cheap, never something that generates."""

import asyncio
from collections.abc import Mapping

from oneai.core import question
from oneai.core.dialect import Unusable
from oneai.core.seams import Send
from oneai.types import Model

TIMEOUT_S = 2.0


async def answers(send: Send, model: Model, credentials: Mapping[str, str]) -> bool:
    """Whether `/v1/models`, or the row's `meta.health_path`, is answered in 2 s by anything but a 5xx."""
    asked = question.asking(model, model.health_path or question.MODELS, credentials)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await send(asked)
    except (Unusable, TimeoutError):
        return False
    return answer.status < 500
