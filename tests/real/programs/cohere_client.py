"""cohere for Python: its client of today (/v2/rerank) and the one before (/v1/rerank)."""

from typing import Any

import cohere
from cohere.core import ApiError

from tests.real.programs import scenario
from tests.real.programs.scenario import Given


def v2(given: Given) -> Any:
    return _ranked(cohere.ClientV2, given)


def v1(given: Given) -> Any:
    return _ranked(cohere.Client, given)


def _ranked(kind: Any, given: Given) -> Any:
    chosen = scenario.options(given)
    client = kind(
        api_key=scenario.key(given), base_url=scenario.url(), timeout=30, max_retries=chosen.get("max_retries", 2)
    )
    raw = client.with_raw_response.rerank(**given["ask"])
    return {"headers": dict(raw.headers), "answer": raw.data.dict()}


def _told(error: Any) -> Given:
    return {"class": type(error).__name__, "status": error.status_code, "body": error.body, "headers": error.headers}


if __name__ == "__main__":
    scenario.play({"v1": v1, "v2": v2}, ApiError, _told)
