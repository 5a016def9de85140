"""Where a frame names the model, and our own name in its place: every other byte stays."""

from collections.abc import Mapping
from typing import Any

from oneai.core import members
from oneai.core.listening import frames
from oneai.core.listening.frames import Frame
from oneai.core.listening.template import Cut
from oneai.types import Span


def place(frame: Frame, data: Mapping[str, Any], holder: str | None) -> Span | None:
    """Where in the frame's bytes the name stands that `data`, or its member `holder`, has; None where there is none."""
    owner = data.get(holder) if holder else data
    if not isinstance(owner, dict) or not isinstance(owner.get("model"), str):
        return None
    return frames.placed(frame, members.only(frame.data, "model") or _exact(frame.data, holder))


def exchanged(text: bytes, span: Span | None, new: bytes) -> bytes:
    """The text with other bytes at this span, if there is one."""
    return text if span is None else members.replaced(text, span, new)


def exchanged_in(frame: bytes, seen: Cut, span: Span | None, new: bytes) -> Cut | None:
    """The same in the cut of a frame; None where there is no span."""
    if span is None:
        return None
    if span.end <= len(seen.head):
        return Cut(exchanged(seen.head, span, new), seen.tail)
    shift = len(frame) - len(seen.tail) - len(frames.BLANK)
    return Cut(seen.head, exchanged(seen.tail, Span(span.start - shift, span.end - shift), new))


def _exact(data: bytes, holder: str | None) -> Span:
    within = members.spans(data, (holder,))[holder] if holder else None
    return members.spans(data, ("model",), within)["model"]
