import math
import random

import pytest

from oneai.errors import StoreRefused
from oneai.store import rollup


def test_a_bucket_is_within_five_percent_of_every_latency_in_it() -> None:
    latencies = [*range(1, 20_000), *range(20_000, 3_600_000, 997), 3_600_000]
    off = [abs(rollup.middle(rollup.bucket(ms)) - ms) / ms for ms in latencies]
    assert max(off) <= 0.05


def test_latencies_under_twenty_ms_are_kept_exactly() -> None:
    assert [rollup.middle(rollup.bucket(ms)) for ms in range(1, 20)] == list(range(1, 20))


def test_what_is_under_a_millisecond_or_over_an_hour_stays_in_range() -> None:
    assert (rollup.bucket(0), rollup.bucket(-5), rollup.bucket(10**9)) == (0, 0, rollup.LAST)
    assert rollup.bucket(3_600_000) == rollup.LAST


@pytest.mark.parametrize("percent", [50, 95])
def test_a_percentile_of_buckets_is_within_five_percent_of_the_nearest_rank(percent: int) -> None:
    dice = random.Random(7)
    values = sorted(int(dice.lognormvariate(6, 1.2)) + 1 for _ in range(5000))
    rank = math.ceil(len(values) * percent / 100)
    counts: dict[int, int] = {}
    for value in values:
        middle = rollup.middle(rollup.bucket(value))
        counts[middle] = counts.get(middle, 0) + 1
    assert rollup.percentile(counts, percent) == pytest.approx(values[rank - 1], rel=0.05)


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert rollup.percentile({10: 1}, 95) == 10
    assert rollup.percentile({10: 19, 900: 1}, 95) == 10
    assert rollup.percentile({10: 18, 900: 2}, 95) == 900
    assert rollup.percentile({}, 50) is None


def test_two_rollups_of_an_hour_add_up() -> None:
    one = {"calls": 1, "errors": 0, "tokens_in": 3, "tokens_out": 4, "cost_usd": 0.5, "latency": {"7": 1}}
    two = {"calls": 2, "errors": 1, "tokens_in": 1, "tokens_out": 1, "cost_usd": 0.25, "latency": {"7": 1, "9": 1}}
    assert rollup.add(one, two) == {
        "calls": 3,
        "errors": 1,
        "tokens_in": 4,
        "tokens_out": 5,
        "cost_usd": 0.75,
        "latency": {"7": 2, "9": 1},
    }


def test_usage_by_something_unheard_of_is_refused() -> None:
    with pytest.raises(StoreRefused, match="model, key, task"):
        rollup.lines([], "colour")
