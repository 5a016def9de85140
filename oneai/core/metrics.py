"""Counters in a call's way: plain integers and floats in dicts, made text only when somebody scrapes."""

from bisect import bisect_left
from collections import defaultdict

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Histogram:
    """Counts by upper bound in seconds, the last one for all that is above."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


class Metrics:
    """What the gateway counts, by the names of its metrics. No label ever holds a key or a request id."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, str, int], int] = defaultdict(int)
        """By route, task, model and status."""
        self.duration = Histogram()
        self.overhead = Histogram()
        self.upstream: dict[str, Histogram] = defaultdict(Histogram)
        self.first_token: dict[str, Histogram] = defaultdict(Histogram)
        """By model, of streams."""
        self.tokens: dict[tuple[str, str], int] = defaultdict(int)
        """By model and direction (in, out)."""
        self.fallbacks: dict[tuple[str, str, str], int] = defaultdict(int)
        """By the model left, the model gone to, and why."""
        self.attempts: dict[tuple[str, str], int] = defaultdict(int)
        """By model and outcome."""

    def request(self, route: str, task: str, model: str, status: int, seconds: float) -> None:
        self.requests[route, task, model, status] += 1
        self.duration.observe(seconds)

    def attempt(self, model: str, outcome: str, seconds: float, tokens_in: int, tokens_out: int) -> None:
        self.attempts[model, outcome] += 1
        self.upstream[model].observe(seconds)
        self.tokens[model, "in"] += tokens_in
        self.tokens[model, "out"] += tokens_out
