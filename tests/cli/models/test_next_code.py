"""`oneai models next-code`."""

from tests.cli.conftest import Cli


def test_the_lowest_free_code_is_told(chain: Cli) -> None:
    assert chain("models", "next-code", "ocr", "primary").out.strip() == "op6"
    assert chain("models", "next-code", "embed", "small", "--json").json == {
        "code": "es1",
        "domain": "embed",
        "role": "small",
    }


def test_an_unknown_domain_lists_the_six(cli: Cli) -> None:
    ended = cli("models", "next-code", "smell", "primary")
    assert ended.code == 2
    assert "rerank" in ended.err
