"""The fast path: frames that differ from one that was read only inside one string, and so tell the same.

A frame that was read exactly gives a head and a tail: the bytes before and behind its piece of the answer. Bytes that
are head, any JSON string's inside and tail again are the same JSON but for that string, of which only matters whether
it is empty. So frames are compared and cut, and nothing of them is decoded. Where frames are numbered, the number that
must come next stands in head or tail.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from oneai.core.listening.frames import BLANK

LONGEST_LEARNT = 8 * 1024
"""Bytes of a frame beyond which it is not worth learning from."""
_WINDOW = 16 * 1024
"""Bytes that are split at once, so that a run which breaks off early has not cost the whole block."""

# What the surfaces call a piece of the answer. Each is read for nothing but whether it is empty.
_PIECE = re.compile(
    rb'"(?:content|reasoning_content|reasoning|thinking|text|refusal|arguments|partial_json|delta)" ?: ?"'
    rb'([^"\\]*+(?:\\.[^"\\]*+)*+)"'
)
_NUMBER = re.compile(rb'(?<="sequence_number":)\d+|(?<="sequence_number": )\d+')


class Run(NamedTuple):
    """Frames of one template: how many, their bytes, what goes to the client, how many are pieces of the answer."""

    frames: int
    size: int
    out: bytes
    deltas: int


class Cut(NamedTuple):
    """A frame before and behind its piece of the answer, without its blank line."""

    head: bytes
    tail: bytes

    def around(self, text: bytes) -> bytes:
        return self.head + text + self.tail + BLANK

    def around_all(self, texts: list[bytes]) -> bytes:
        return self.around((self.tail + BLANK + self.head).join(texts))


def cut(frame: bytes) -> Cut | None:
    """The frame around the first string that can carry some of the answer and does; None where none does."""
    if len(frame) > LONGEST_LEARNT or b"\r" in frame or frame.find(BLANK) != len(frame) - len(BLANK):
        return None
    for piece in _PIECE.finditer(frame):
        if piece[1]:
            return Cut(frame[: piece.start(1)], frame[piece.end(1) : -len(BLANK)])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What frames look like that tell the same."""

    seen: Cut
    sent: Cut | None = None
    """What a client gets for head and tail; None where frames go on as they came."""
    counted: tuple[list[bytes], list[bytes]] | None = None
    """Head and tail in parts around their sequence_number, which counts up."""
    empty_counts: bool = False
    """Whether a frame with an empty piece is one of the answer all the same."""

    def at(self, number: int) -> Cut:
        """Head and tail of the frame with this sequence_number."""
        if self.counted is None:
            return self.seen
        digits = b"%d" % number
        return Cut(digits.join(self.counted[0]), digits.join(self.counted[1]))

    def only(self, block: bytes, number: int) -> Run | None:
        """A block that is one frame of this template, as most are; None to look closer."""
        head, tail = self.at(number)
        size = len(block) - len(BLANK) - len(tail)
        if size < len(head) or not block.startswith(head) or not block.endswith(tail + BLANK):
            return None
        text = block[len(head) : size]
        if b"\n" in text or b"\r" in text or ((b'"' in text or b"\\" in text) and not _are_insides([text])):
            return None
        return Run(1, len(block), self.sent.around(text) if self.sent else block, bool(text) or self.empty_counts)

    def run(self, frames: bytes, start: int, number: int) -> Run | None:
        """As many whole frames from `start` on as are of this template, the first with this number; None for none."""
        head, tail = self.at(number)
        window = frames[start : start + _WINDOW]
        if not window.startswith(head):
            return None
        if self.counted is None and (texts := self._alike(window)):
            return self._run(window, texts, len(texts) * (len(head) + len(tail) + len(BLANK)) + sum(map(len, texts)))
        parts = window.split(BLANK)[:-1]
        texts = _insides(self._each(parts, number))
        return self._run(window, texts, sum(map(len, parts[: len(texts)])) + len(BLANK) * len(texts))

    def _run(self, window: bytes, texts: list[bytes], size: int) -> Run | None:
        if not texts:
            return None
        out = self.sent.around_all(texts) if self.sent else window[:size]
        return Run(len(texts), size, out, len(texts) if self.empty_counts else len(texts) - texts.count(b""))

    def _alike(self, window: bytes) -> list[bytes]:
        """The pieces, cut out unseen by their lines: they are right if the window comes out when put together again."""
        head, tail = self.seen
        before, after = head.count(b"\n"), tail.count(b"\n")
        start, end = len(head) - head.rfind(b"\n") - 1, tail.partition(b"\n")[0]
        lines = window.split(b"\n")
        whole = len(lines) // (before + after + 2)
        lines = lines[before :: before + after + 2][:whole]
        while lines and not lines[-1].endswith(end):
            lines.pop()
        texts = [line[start : -len(end)] for line in lines]
        return texts if window.startswith(self.seen.around_all(texts)) and _are_insides(texts) else []

    def _each(self, parts: list[bytes], number: int) -> list[bytes]:
        """The pieces frame by frame, as far as they are of this template."""
        texts: list[bytes] = []
        for part in parts:
            head, tail = self.at(number + len(texts))
            size = len(part) - len(tail)
            if size < len(head) or not part.startswith(head) or not part.endswith(tail):
                break
            texts.append(part[len(head) : size])
        return texts


def counting(seen: Cut) -> Template:
    """The template of frames that are numbered, and otherwise go on as they came."""
    return Template(seen=seen, counted=(_NUMBER.split(seen.head), _NUMBER.split(seen.tail)))


def _insides(texts: list[bytes]) -> list[bytes]:
    """Those before the first that cannot be the inside of a JSON string."""
    if _are_insides(texts):
        return texts
    return texts[: next(at for at, text in enumerate(texts) if not _are_insides([text]))]


def _are_insides(texts: list[bytes]) -> bool:
    """No quote that isn't escaped, no line end, no half of an escape."""
    joined = b"\0".join([*texts, b""])
    if b"\n" in joined or b"\r" in joined:
        return False
    if b"\\" in joined:
        joined = joined.replace(b"\\\\", b"").replace(b'\\"', b"")
        if b"\\\0" in joined:
            return False
    return b'"' not in joined
