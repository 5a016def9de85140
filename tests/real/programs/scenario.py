"""A client's program: `python -m PROGRAM SCENARIO` does one thing and prints the outcome as one JSON document.

On its standard input it is given `{"client": {"key", "timeout_s", "max_retries", "headers"}, "ask": {...}, ...}`, all
optional but `ask`. Of a stream it may take the first `leave_after` chunks alone, or once so many have come make
`then_call`, `{"after", "url"}`: a server that waits to be called knows that they were delivered. The gateway is at
$ONEAI_URL, and $ONEAI_API_KEY is the key unless `client` names another.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.request import urlopen

Given = dict[str, Any]
Scenario = Callable[[Given], Any]


def url() -> str:
    return os.environ["ONEAI_URL"]


def key(given: Given) -> str:
    return str(options(given).get("key") or os.environ["ONEAI_API_KEY"])


def options(given: Given) -> Given:
    """What the client is made with."""
    found: Given = given.get("client", {})
    return found


def play(scenarios: Mapping[str, Scenario], fault: type[Exception], told: Callable[[Any], Given]) -> None:
    """Do the scenario that the command line names; a `fault` of the client is its outcome, as `told` tells it."""
    try:
        document = scenarios[sys.argv[1]](json.load(sys.stdin))
    except fault as exc:
        document = {"error": told(exc)}
    json.dump(document, sys.stdout)


def taken(stream: Iterable[Any], given: Given) -> Iterator[Any]:
    """The chunks of a stream, as JSON holds them."""
    then_call = given.get("then_call", {"after": 0})
    for count, chunk in enumerate(islice(stream, given.get("leave_after")), start=1):
        yield chunk.model_dump(mode="json")
        if count == then_call["after"]:
            urlopen(then_call["url"]).close()


@contextmanager
def noting(document: Given, fault: type[Exception], told: Callable[[Any], Given]) -> Iterator[None]:
    """Keep what was gathered before a fault, and the fault beside it."""
    try:
        yield
    except fault as exc:
        document["error"] = told(exc)
