import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneai.core import endpoint
from oneai.types import Surface
from tests.core.run_calls import model

KINDS = [kind for kind in Surface if kind not in (Surface.RUN, Surface.OCR)]
CHAT = "http://gpu.example:8000/v1/chat/completions"


@pytest.mark.parametrize(
    ("address", "kind", "url"),
    [
        (CHAT, Surface.CHAT, CHAT),
        (CHAT + "?tier=fast", Surface.CHAT, CHAT + "?tier=fast"),
        (CHAT + "/", Surface.CHAT, CHAT + "/"),
        (CHAT, Surface.EMBEDDINGS, "http://gpu.example:8000/v1/embeddings"),
        (CHAT, Surface.COMPLETIONS, "http://gpu.example:8000/v1/completions"),
        (CHAT + "?tier=fast", Surface.MESSAGES, "http://gpu.example:8000/v1/messages"),
        ("http://gpu.example:8000", Surface.CHAT, CHAT),
        ("http://gpu.example:8000/", Surface.CHAT, CHAT),
        ("http://gpu.example:8000/v1", Surface.CHAT, CHAT),
        ("http://gpu.example:8000/v1/", Surface.CHAT, CHAT),
        ("http://gpu.example/ocr/v1/models", Surface.CHAT, "http://gpu.example/ocr/v1/chat/completions"),
        ("http://gpu.example/ocr", Surface.RESPONSES, "http://gpu.example/ocr/v1/responses"),
        ("http://tei.example:8080/rerank", Surface.RERANK, "http://tei.example:8080/rerank"),
        ("http://tei.example:8080/rerank", Surface.EMBEDDINGS, "http://tei.example:8080/v1/embeddings"),
        ("http://gpu.example/v2/rerank", Surface.RERANK, "http://gpu.example/v2/rerank"),
        ("http://gpu.example/v2/rerank", Surface.CHAT, "http://gpu.example/v1/chat/completions"),
        ("http://me:pw@gpu.example:8000", Surface.CHAT, "http://me:pw@gpu.example:8000/v1/chat/completions"),
    ],
)
def test_a_kind_is_asked_at_the_endpoint_or_at_its_own_path_beside_it(address: str, kind: Surface, url: str) -> None:
    assert endpoint.url_for(model(endpoint=address), kind) == url


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/api/score", "http://gpu.example:8000/api/score"),
        ("api/score", "http://gpu.example:8000/api/score"),
        ("http://other.example/rank", "http://other.example/rank"),
    ],
)
def test_a_path_of_the_row_wins(path: str, url: str) -> None:
    assert endpoint.url_for(model(endpoint=CHAT, paths={"rerank": path}), Surface.RERANK) == url


def test_a_path_for_one_kind_leaves_the_others_alone() -> None:
    assert endpoint.url_for(model(endpoint=CHAT, paths={"rerank": "/rank"}), Surface.CHAT) == CHAT


@pytest.mark.parametrize(
    ("address", "base"),
    [
        (CHAT, "http://gpu.example:8000"),
        ("http://gpu.example:8000/", "http://gpu.example:8000"),
        ("http://gpu.example/v1/proxy/v1/chat/completions", "http://gpu.example/v1/proxy"),
        ("http://tei.example:8080/rerank", "http://tei.example:8080"),
        ("http://gpu.example/api/chat/completions", "http://gpu.example/api"),
    ],
)
def test_the_base_is_what_precedes_the_version(address: str, base: str) -> None:
    assert endpoint.base_of(address) == base


@pytest.mark.parametrize(
    ("address", "node"),
    [
        (CHAT, "gpu.example"),
        ("https://me:pass@GPU.example/v1", "gpu.example"),
        ("http://[2001:db8::1]:8000/v1", "2001:db8::1"),
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("gpu.example:8000/v1", "gpu.example"),
        ("", ""),
    ],
)
def test_a_node_is_the_host_without_port_and_credentials(address: str, node: str) -> None:
    assert endpoint.node_of(address) == node


@given(address=st.text(), kind=st.sampled_from(KINDS))
def test_no_endpoint_however_mistyped_raises(address: str, kind: Surface) -> None:
    assert isinstance(endpoint.url_for(model(endpoint=address), kind), str)
    assert "@" not in endpoint.node_of(address) or "[" in address
