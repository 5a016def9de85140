"""One stream listened to: its facts as they pass, and the bytes that go on to the client."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from oneai.core.dialect import Unusable
from oneai.core.listening import frames, naming, template
from oneai.core.listening.frames import MAX_FRAME_BYTES, Frame, Frames
from oneai.core.listening.heard import NOTHING, PIECE, Grammar, Heard
from oneai.core.listening.retelling import Retelling
from oneai.core.listening.template import Cut, Run, Template
from oneai.core.upstream_error import is_error
from oneai.types import Span

LESSONS = 8
"""How often in a row a template is made in vain before a stream is left to the exact way, frame by frame."""


class Ear:
    """A Listener, and a RunListener with a `retelling`, which puts events of our own in the place of theirs."""

    def __init__(
        self,
        grammar: Grammar,
        *,
        code: str,
        asks_usage: bool,
        retelling: Retelling | None = None,
        lessons: int = LESSONS,
    ) -> None:
        self.began = self.ended = self.aborted = False
        self.finish_reason: str | None = None
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.deltas = 0
        self.error: bytes | None = None
        self.sequence_number = 0
        self._grammar = grammar
        self._code = orjson.dumps(code)
        self._asks_usage = asks_usage
        self._retelling = retelling
        self._lessons = self._lessons_left = 0 if retelling else lessons
        self._template: Template | None = None
        self._frames = Frames()
        self._is_over = False
        self._fault: Unusable | None = None

    @property
    def text(self) -> str:
        return self._retelling.text if self._retelling else ""

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        return self._retelling.tool_calls if self._retelling else []

    def is_whole(self) -> bool:
        failed = self._fault or self.aborted or self.error is not None
        return not failed and (self.ended or self.finish_reason is not None)

    def hear(self, block: bytes) -> bytes:
        known = self._template
        if known and not self._frames.held and (run := known.only(block, self.sequence_number)):
            return self._take_run(known, run)
        if self._fault:
            raise self._fault
        return b"" if self._is_over else self._pass_on(self._frames.take(block))

    def close(self) -> bytes:
        if self._fault:
            raise self._fault
        frame = frames.completed(bytes(self._frames.held))
        self._frames.held.clear()
        found = frames.parsed(frame)
        if self._is_over or not (found.data or found.error):
            return b""
        try:
            return self._hear(frame, found)
        except Unusable:  # it broke off in the middle, and `is_whole` says whether that matters
            return b""

    def _pass_on(self, whole: bytes) -> bytes:
        """What was good goes out before a fault is raised, at the next call then."""
        passed: list[bytes] = []
        try:
            self._go_through(whole, passed)
        except Unusable as exc:
            self._fault, self._template = exc, None
            if not any(passed):
                raise
        return b"".join(passed)

    def _go_through(self, whole: bytes, passed: list[bytes]) -> None:
        at, plain = 0, b"\r" not in whole
        while at < len(whole) and not self._is_over:
            known = self._template
            if known and (run := known.run(whole, at, self.sequence_number)):
                passed.append(self._take_run(known, run))
                at += run.size
                continue
            end = frames.end_of_first(whole, at, plain=plain)
            if end - at > MAX_FRAME_BYTES:
                raise _too_long()
            passed.append(self._hear(frame := whole[at:end], frames.parsed(frame)))
            at = end
        if self._frames.overflows and not self._is_over:
            raise _too_long()

    def _take_run(self, known: Template, run: Run) -> bytes:
        self._lessons_left = self._lessons
        self.deltas += run.deltas
        if known.counted:
            self.sequence_number += run.frames
        return run.out

    def _hear(self, frame: bytes, found: Frame) -> bytes:
        heard, data = self._read(found)
        self._take_in(heard)
        if heard.aborted or heard.error is not None:
            return b""
        if self._retelling:
            return self._retelling.tell(data)
        if heard.only_usage and not self._asks_usage:
            return b""
        model = naming.place(found, data, self._grammar.model_in)
        if self._lessons_left and heard.deltas and heard.tells_as(PIECE):
            self._template = self._learnt(frame, heard, model)
        return naming.exchanged(frame, model, self._code)

    def _read(self, found: Frame) -> tuple[Heard, Mapping[str, Any]]:
        if found.error is not None or found.event == "error":
            return Heard(error=found.error or found.data), {}
        told = found.data.strip()
        if not told:
            return NOTHING, {}
        if told.startswith(b"[DONE]"):
            return (Heard(ended=True) if self._grammar.says_done else NOTHING), {}
        data = _loaded(told)
        kind = data.get("type")
        kind = kind if isinstance(kind, str) else found.event
        if is_error(data) or kind == "error":
            return Heard(error=told), {}
        return self._grammar.read(kind, data), data

    def _take_in(self, heard: Heard) -> None:
        if heard is NOTHING:
            return
        self.error, self.aborted, self.ended = heard.error, heard.aborted, heard.ended
        self.finish_reason = heard.finish_reason or self.finish_reason
        self.tokens_in = self.tokens_in if heard.tokens_in is None else heard.tokens_in
        self.tokens_out = self.tokens_out if heard.tokens_out is None else heard.tokens_out
        self.sequence_number = self.sequence_number if heard.number is None else heard.number + 1
        if heard.error is not None or heard.aborted or heard.ended:
            self._is_over, self._template = True, None
        if heard.error is None and not heard.aborted:
            self.began = self.began or heard.content or heard.finish_reason is not None
            self.deltas += heard.deltas

    def _learnt(self, frame: bytes, heard: Heard, model: Span | None) -> Template | None:
        """The template of this frame, if what it tells hangs on its piece of the answer and its number alone."""
        self._lessons_left -= 1
        seen = template.cut(frame) if self._lessons_left else None
        if seen is None:
            return None
        if heard.number is None:
            made = Template(seen=seen, sent=naming.exchanged_in(frame, seen, model, self._code))
            return self._checked(made, seen, heard)
        made, following = template.counting(seen), heard._replace(number=heard.number + 1)
        return None if model else self._checked(made, made.at(heard.number + 1), following)

    def _checked(self, made: Template, like: Cut, heard: Heard) -> Template | None:
        """Reads the frame as it would be without its piece."""
        empty = self._read(frames.parsed(like.around(b"")))[0]
        if empty == heard:
            return replace(made, empty_counts=True)
        return made if empty.tells_as(NOTHING) and empty.number == heard.number else None


def _loaded(told: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(told)
    except orjson.JSONDecodeError as exc:
        raise Unusable("protocol_error", "a frame of the stream is not JSON") from exc
    if not isinstance(data, dict):
        raise Unusable("protocol_error", "a frame of the stream is no JSON object")
    return data


def _too_long() -> Unusable:
    return Unusable("protocol_error", f"a frame of the stream is longer than {MAX_FRAME_BYTES // 1024**2} MB")
