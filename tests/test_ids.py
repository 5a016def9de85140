import random
import re
import time
from uuid import RFC_4122, UUID

import pytest

from oneai import ids


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = UUID(ids.uuid7())

    assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_begins_with_the_milliseconds_of_its_making(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 0x0123456789AB * 1_000_000 + 999_999)

    assert ids.uuid7().startswith("01234567-89ab-7")


def test_ids_sort_by_the_time_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for millisecond in (1, 255, 256, 65_535, 1_767_225_600_000, 1_767_225_600_001):
        monkeypatch.setattr(time, "time_ns", lambda now=millisecond: now * 1_000_000)
        made.append(ids.uuid7())

    assert made == sorted(made)


@pytest.mark.parametrize("chance", [0, (1 << 74) - 1])
def test_no_chance_spills_into_version_and_variant(chance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_225_600_000_000_000)
    monkeypatch.setattr(random, "getrandbits", lambda bits: chance & (1 << bits) - 1)

    made = UUID(ids.uuid7())

    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == 1_767_225_600_000


def test_ids_of_one_millisecond_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_767_225_600_000_000_000)

    assert len({ids.uuid7() for _ in range(2000)}) == 2000


def test_a_call_id_is_run_and_32_hex_digits() -> None:
    assert re.fullmatch(r"run_[0-9a-f]{12}7[0-9a-f]{19}", ids.call_id())
