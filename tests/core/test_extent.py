import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import extent

LEAVES = st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\[]{}:,\n\u0000é😀', max_size=8)
CONTAINERS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(alphabet='"\\]}a', max_size=3), inner),
    max_leaves=40,
).filter(lambda value: isinstance(value, str | list | dict))


def ends(value: bytes, behind: bytes = b',"]}[{\\') -> int:
    return extent.end(b"  " + value + behind, 2) - 2


@given(value=CONTAINERS, ascii_only=st.booleans(), indent=st.sampled_from([None, 1]), copies=st.integers(1, 60))
def test_a_value_ends_where_it_ends_whatever_follows(
    value: object, ascii_only: bool, indent: int | None, copies: int
) -> None:
    many = [value] * copies
    for each in (value, many):
        written = json.dumps(each, ensure_ascii=ascii_only, indent=indent).encode()
        assert ends(written) == len(written)


@pytest.mark.parametrize("run", range(9))
@pytest.mark.parametrize("before", [0, 1, 254, 255, 256, 257, 767, 768, 769, 66_000])
@pytest.mark.parametrize("behind", [0, 1, 255, 66_000])
def test_backslashes_count_where_a_chunk_ends_in_them_too(run: int, before: int, behind: int) -> None:
    for quote in (b"", b'\\"'):
        string = b'"\\n' + b"a" * before + b"\\\\" * run + quote + b"b" * behind + b'"'
        assert ends(string) == len(string)
        assert ends(b"[" + string + b"]") == len(string) + 2
        assert ends(b"[1," + b" " * before + string + b",[]]") == len(string) + before + 7


@pytest.mark.parametrize("size", [1, 2, 3, 100, 255, 256, 257, 5_000, 70_000])
def test_brackets_are_counted_at_any_depth_and_not_in_strings(size: int) -> None:
    for value in (
        b"[" * size + b"]" * size,
        b"[" + b"[]," * size + b"1]",
        b"[" + b'{"]":"}"},' * size + b"1]",
        b'["' + b"]" * size + b'"]',
        b'["' + b'\\"]' * size + b'"]',
        b'{"a":"","b":[' + b'"]",' * size + b'"["]}',
    ):
        assert ends(value) == len(value)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"x", b"1", b"]", b":", b'"', b'"a', b'"a\\"', b'"a\\', b'"\\', b"[", b"[[]", b'["]', b'["]"', b'["\\"]',
        b"{", b'"' + b'\\"' * 40_000, b'"' + b"\\" * 40_001, b"[" * 40_000, b'["' + b"a" * 40_000,
    ],
)  # fmt: skip
def test_what_breaks_off_is_said_and_never_read_past(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"at byte [23]\b"):
        ends(value, b"")


@pytest.mark.parametrize("value", [b"[\\]", b'[\\"]', b"[\\\\]", b'["a"\\"]"]', b"[" + b" " * 300 + b'\\"]'])
def test_a_backslash_outside_of_strings_is_refused_for_it_could_be_read_two_ways(value: bytes) -> None:
    with pytest.raises(ValueError, match="backslash"):
        ends(value, b"")


def test_a_bytearray_is_taken_too() -> None:
    assert extent.end(bytearray(b'["a\\"]", {}]'), 0) == 12
