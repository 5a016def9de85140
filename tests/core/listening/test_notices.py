import orjson
import pytest

from oneai.core.listening import GRAMMARS, PING, error_event
from oneai.types import Surface
from tests.core.listening.samples import listener

ERROR = {"message": "it broke\n\noff", "type": "api_error", "param": None, "code": "stream_broken", "request_id": "r-1"}


def test_every_surface_that_streams_can_ping_and_fail() -> None:
    assert PING.keys() == GRAMMARS.keys()
    assert all(error_event(surface, ERROR) for surface in GRAMMARS)


@pytest.mark.parametrize("surface", GRAMMARS)
def test_a_ping_is_no_content_and_no_end(surface: Surface) -> None:
    heard = listener(surface)

    heard.hear(PING[surface])

    assert (heard.began, heard.ended, heard.error) == (False, False, None)


def test_a_ping_is_a_comment_but_where_clients_know_an_event_for_it() -> None:
    assert PING[Surface.MESSAGES] == b'event: ping\ndata: {"type": "ping"}\n\n'
    assert {PING[surface] for surface in PING if surface is not Surface.MESSAGES} == {b": ping\n\n"}


@pytest.mark.parametrize("surface", [Surface.CHAT, Surface.COMPLETIONS])
def test_an_error_of_chat_is_a_chunk_with_our_envelope(surface: Surface) -> None:
    assert error_event(surface, ERROR) == b"data: " + orjson.dumps({"error": ERROR}) + b"\n\n"


def test_an_error_of_a_run_is_an_event_with_our_envelope() -> None:
    assert error_event(Surface.RUN, ERROR) == b"event: error\ndata: " + orjson.dumps({"error": ERROR}) + b"\n\n"


def test_an_error_of_messages_has_anthropics_shape() -> None:
    head, payload = error_event(Surface.MESSAGES, ERROR).split(b"\ndata: ")

    assert head == b"event: error"
    assert orjson.loads(payload) == {
        "type": "error",
        "error": {"type": "api_error", "message": "it broke\n\noff"},
        "request_id": "r-1",
    }


def test_an_error_of_responses_is_flat_numbered_and_has_our_envelope_too() -> None:
    head, payload = error_event(Surface.RESPONSES, ERROR, sequence_number=12).split(b"\ndata: ")

    assert head == b"event: error"
    assert orjson.loads(payload) == {
        "type": "error",
        "code": "stream_broken",
        "message": "it broke\n\noff",
        "param": None,
        "sequence_number": 12,
        "error": ERROR,
    }


@pytest.mark.parametrize("surface", GRAMMARS)
def test_an_error_is_one_frame_that_a_listener_takes_for_an_error(surface: Surface) -> None:
    frame = error_event(surface, ERROR)
    heard = listener(surface)

    heard.hear(frame)

    assert frame.count(b"\n\n") == 1
    assert heard.error is not None
