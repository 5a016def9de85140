import pytest

from oneai.core.metrics import SECONDS, Histogram, Metrics


def test_bounds_rise() -> None:
    assert list(SECONDS) == sorted(set(SECONDS))
    assert SECONDS[-1] >= 300


@pytest.mark.parametrize("position", range(len(SECONDS)))
def test_a_bound_belongs_to_its_own_bucket_and_what_is_above_to_the_next(position: int) -> None:
    histogram = Histogram()

    histogram.observe(SECONDS[position])
    histogram.observe(SECONDS[position] * 1.0001)

    assert histogram.counts[position] == 1
    assert histogram.counts[position + 1] == 1


def test_what_is_above_every_bound_is_counted_too() -> None:
    histogram = Histogram()

    histogram.observe(0.0)
    histogram.observe(86_400.0)

    assert (histogram.counts[0], histogram.counts[-1]) == (1, 1)
    assert sum(histogram.counts) == 2
    assert histogram.total == 86_400.0


def test_requests_are_counted_by_their_labels_and_their_time_once() -> None:
    metrics = Metrics()

    metrics.request("/v1/run", "ocr", "op1", 200, 0.4)
    metrics.request("/v1/run", "ocr", "op1", 200, 0.4)
    metrics.request("/v1/run", "ocr", "op1", 502, 0.2)

    assert metrics.requests == {("/v1/run", "ocr", "op1", 200): 2, ("/v1/run", "ocr", "op1", 502): 1}
    assert sum(metrics.duration.counts) == 3
    assert metrics.duration.total == pytest.approx(1.0)


def test_models_have_histograms_of_their_own() -> None:
    metrics = Metrics()

    metrics.attempt("op1", "ok", 1.0, 10, 5)
    metrics.attempt("op2", "timeout", 120.0, 0, 0)

    assert metrics.upstream["op1"].total == 1.0
    assert metrics.upstream["op2"].total == 120.0
    assert metrics.attempts == {("op1", "ok"): 1, ("op2", "timeout"): 1}
    assert metrics.tokens["op1", "in"] == 10
    assert metrics.tokens["op1", "out"] == 5


def test_two_metrics_share_nothing() -> None:
    one, other = Metrics(), Metrics()

    one.attempt("op1", "ok", 1.0, 1, 1)

    assert not other.attempts
    assert not other.upstream
