from typing import Any

from oneai.core.recent import KEPT, Ended, Recent
from oneai.types import Attempt

TRIED = (Attempt(model="op1", outcome="ok", id="a"),)


def ended(id: str, at: float, **changes: Any) -> Ended:
    fields: dict[str, Any] = {"request_id": f"r-{id}", "status": 200, "route": "/v1/run"}
    return Ended(id=id, at=at, **(fields | changes))


def test_a_call_is_found_by_its_id_and_by_its_request_id() -> None:
    recent, call = Recent(), ended("run_1", 1.0, attempts=TRIED)
    recent.add(call)

    assert recent.find("run_1") is call
    assert recent.find("r-run_1") is call
    assert recent.find("run_2") is None


def test_of_calls_that_share_a_request_id_the_newest_is_found() -> None:
    recent = Recent()
    for number in (3, 1, 2):
        recent.add(ended(f"run_{number}", float(number), request_id="same", attempts=TRIED[: number % 2]))

    found = recent.find("same")

    assert found is not None
    assert found.id == "run_3"


def test_last_is_the_newest_of_the_tried_and_the_refused() -> None:
    recent = Recent()
    assert recent.find("last") is None
    recent.add(ended("run_1", 1.0, attempts=TRIED))
    recent.add(ended("run_2", 2.0, status=401, code="invalid_api_key"))
    recent.add(ended("run_0", 0.5, attempts=TRIED))

    found = recent.find("last")

    assert found is not None
    assert found.id == "run_2"


def test_a_flood_of_refused_calls_drives_out_no_tried_one() -> None:
    recent = Recent()
    recent.add(ended("tried", 0.0, attempts=TRIED))
    recent.add(ended("refused", 0.0, status=401))
    for number in range(KEPT):
        recent.add(ended(f"flood{number}", 1.0 + number, status=401))

    assert KEPT == 1000
    assert recent.find("tried") is not None
    assert recent.find("flood0") is not None
    assert recent.find("refused") is None
