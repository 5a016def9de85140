from oneai.core import question
from tests.core.run_calls import model


def test_it_goes_to_the_servers_base_with_no_header_where_none_is_asked_for() -> None:
    asked = question.asking(
        model(endpoint="http://gpu.example:8000/v1/chat/completions"), question.MODELS, {"OTHER": "x"}
    )
    assert (asked.method, asked.url, asked.body, asked.headers) == ("GET", "http://gpu.example:8000/v1/models", b"", {})


def test_it_carries_the_credential_of_the_row_and_no_other() -> None:
    row = model(credential_env="ONEAI_CREDENTIAL_BOX")
    asked = question.asking(row, "/health", {"ONEAI_CREDENTIAL_BOX": "s3cret", "OTHER": "x"})
    assert asked.url.endswith("/health")
    assert asked.headers == {"Authorization": "Bearer s3cret"}
