import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneai.store.journal import Journal
from oneai.store.journal.lines import Line, decode, encode
from oneai.types import Row

_patient = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
_any_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=8,
)


def test_a_row_and_the_word_that_it_has_begun_are_told_apart() -> None:
    row = {"id": "1", "model_code": "op1"}
    assert decode(encode(row)) == Line(begun=False, row=row)
    assert decode(encode(row, begun=True)) == Line(begun=True, row=row)


def test_nuls_are_stripped_wherever_they_are() -> None:
    line = decode(encode({"id": "1", "message": "a\0b", "meta": {"k\0": ["\0", {"deep": "\0c"}]}}))
    assert line is not None
    assert line.row == {"id": "1", "message": "ab", "meta": {"k": ["", {"deep": "c"}]}}


def test_a_backslash_before_u0000_is_no_nul() -> None:
    row = {"id": "1", "message": "\\u0000"}
    assert decode(encode(row)) == Line(begun=False, row=row)


def test_what_json_cannot_hold_is_written_as_near_as_can_be() -> None:
    row: dict[Any, Any] = {"id": "1", "lone": "\ud800", "large": 2**64, "cost_usd": Decimal("0.5"), 7: True}
    line = decode(encode(row))
    assert line is not None
    assert line.row == {"id": "1", "lone": "?", "large": str(2**64), "cost_usd": "0.5", "7": True}


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": 7}, {"id": ""}])
def test_a_row_without_an_id_is_refused(row: Row) -> None:
    with pytest.raises(ValueError, match="id"):
        encode(row)


@_patient
@given(st.dictionaries(st.text(st.characters()), _any_value, max_size=5), st.booleans())
def test_any_row_is_one_line_that_can_be_read(row: Row, begun: bool) -> None:
    encoded = encode(row | {"id": "1"}, begun=begun)
    assert encoded.count(b"\n") == 1
    line = decode(encoded)
    assert line is not None
    assert line.begun is begun
    assert b"\\u0000" not in encoded.replace(b"\\\\", b"")


@_patient
@given(st.binary())
def test_no_bytes_make_decoding_raise(raw: bytes) -> None:
    line = decode(raw)
    assert line is None or line.row["id"]


@_patient
@given(st.lists(st.binary(max_size=60) | st.integers(0, 99), max_size=12), st.binary(max_size=60))
def test_garbage_in_a_segment_never_hides_the_good_lines_after_it(parts: list[bytes | int], cut: bytes) -> None:
    good = [f"row-{part}" for part in parts if isinstance(part, int)]
    content = b"".join(encode({"id": f"row-{part}"}) if isinstance(part, int) else part + b"\n" for part in parts)
    assert asyncio.run(_adopted(content + cut)) == good


@_patient
@given(st.integers(0, 400), st.binary(min_size=1, max_size=40))
def test_damage_to_a_segment_takes_only_the_lines_that_it_touches(at: int, damage: bytes) -> None:
    lines = [encode({"id": f"row-{n:02d}", "message": "x" * 10}) for n in range(12)]
    content = bytearray(b"".join(lines))
    content[at : at + len(damage)] = damage
    width = len(lines[0])
    untouched = [f"row-{n:02d}" for n in range(12) if (n + 1) * width < at or n * width > at + len(damage)]
    found = asyncio.run(_adopted(bytes(content)))
    assert [id for id in untouched if id in found] == untouched


async def _adopted(content: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        dead = Path(folder) / "00000000000000001-deadbeef"
        dead.mkdir()
        (dead / "00000000000000001-deadbeef.jsonl").write_bytes(content)
        journal = Journal.open(Path(folder), max_bytes=1_000_000)
        await journal.tend()
        rows: list[str] = []
        while part := journal.oldest():
            batch = await journal.read(part, 3)
            rows += [row["id"] for row in batch.rows]
            journal.acknowledge(part, batch)
        assert await journal.find("anything") == []
        journal.close()
        return rows
