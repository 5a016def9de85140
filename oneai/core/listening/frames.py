"""Server-sent events as bytes: where frames end, and which event and data a frame has."""

import re
from typing import NamedTuple

from oneai.types import Span

BLANK = b"\n\n"
"""How nearly all servers end a frame."""
MAX_FRAME_BYTES = 16 * 1024 * 1024

# Two line ends in a row, each \n, \r\n or \r. A \r behind a \n waits for the byte after it: it may be half of \r\n.
_END = re.compile(rb"\n(?:\r?\n|\r(?=[^\n]))|\r\r")
_LONGEST_END = 3
_LINE = re.compile(rb"[^\r\n]+")
_BOM = b"\xef\xbb\xbf"


class Frames:
    """Puts frames together from blocks that were cut anywhere, and holds the beginning of the next one."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = bytearray()

    @property
    def overflows(self) -> bool:
        return len(self.held) > MAX_FRAME_BYTES

    def take(self, block: bytes) -> bytes:
        """The frames that are whole with this block, as they came; b"" where none is."""
        if self.held:
            if not _END.search(bytes(self.held[-_LONGEST_END:]) + block):
                self.held += block
                return b""
            block = bytes(self.held) + block
            self.held.clear()
        cut = _last_end(block)
        if cut == len(block):
            return block
        self.held += block[cut:]
        return block[:cut]


class Frame(NamedTuple):
    """What a frame says by its fields. `places` tells for each line of `data` where it starts there and in the frame.

    `error` is the value of a field of that name: older llama.cpp servers write `error: {…}` in place of `data:`.
    """

    event: str
    data: bytes
    places: tuple[tuple[int, int], ...]
    error: bytes | None = None


def end_of_first(frames: bytes, start: int, *, plain: bool) -> int:
    """Where the frame that begins at `start` ends: behind its blank line, or with the last byte.

    `plain` says that there is no \\r in any of them, which is not to be looked for again with each.
    """
    if plain:
        blank = frames.find(BLANK, start)
        return len(frames) if blank < 0 else blank + len(BLANK)
    found = _END.search(frames, start)
    return found.end() if found else len(frames)


def parsed(frame: bytes) -> Frame:
    """The fields of one frame; comments, ids and unknown fields are passed over."""
    if frame.startswith(b"data: ") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return Frame("", frame[6:-2], ((0, 6),))
    event, error, size = "", None, 0
    lines: list[bytes] = []
    places: list[tuple[int, int]] = []
    for line in _LINE.finditer(frame):
        field, _, value = line[0].partition(b":")
        value = value.removeprefix(b" ")
        name = field.removeprefix(_BOM)
        if name == b"data":
            lines.append(value)
            places.append((size, line.end() - len(value)))
            size += len(value) + 1
        elif name == b"event":
            event = value.decode(errors="replace")
        elif name == b"error":
            error = value
    return Frame(event, b"\n".join(lines), tuple(places), error)


def placed(frame: Frame, span: Span) -> Span:
    """Where in the frame's own bytes a span of its data stands; a JSON string never reaches over two lines."""
    shift = next(there - here for here, there in reversed(frame.places) if here <= span.start)
    return Span(span.start + shift, span.end + shift)


def completed(frame: bytes) -> bytes:
    """A last frame that came without its blank line, with it."""
    if not _LINE.search(frame):
        return frame
    return frame + (b"\n" if frame.endswith((b"\n", b"\r")) else b"\n\n")


def _last_end(frames: bytes) -> int:
    if b"\r" not in frames:
        found = frames.rfind(BLANK)
        if found < 0:
            return 0
        if frames[found - 1 : found] != b"\n":  # else counting in pairs from the front may end elsewhere
            return found + 2
    end = 0
    for match in _END.finditer(frames):
        end = match.end()
    return end
