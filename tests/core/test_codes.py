import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneai.core import codes
from oneai.errors import BadCode
from oneai.types import Domain, Role

all_codes = st.builds(
    codes.Code, domain=st.sampled_from(Domain), role=st.sampled_from(Role), index=st.integers(1, 999_999_999)
)


@pytest.mark.parametrize(
    ("text", "domain", "role", "index"),
    [
        ("op1", Domain.OCR, Role.PRIMARY, 1),
        ("lb12", Domain.LLM, Role.BACKUP, 12),
        ("vv3", Domain.VISION, Role.VALIDATION, 3),
        ("tp1", Domain.TOOLS, Role.PRIMARY, 1),
        ("es1", Domain.EMBED, Role.SMALL, 1),
        ("rp100", Domain.RERANK, Role.PRIMARY, 100),
    ],
)
def test_a_code_says_domain_role_and_index(text: str, domain: Domain, role: Role, index: int) -> None:
    assert codes.parse(text) == codes.Code(domain=domain, role=role, index=index)


@pytest.mark.parametrize(
    "text",
    ["", "op", "op0", "op01", "OP1", "xp1", "ox1", "op1 ", " op1", "op1\n", "op-1", "op1.0", "op١", "op²", "ocr"],
)
def test_what_is_not_exactly_a_code_is_refused(text: str) -> None:
    assert not codes.is_code(text)
    with pytest.raises(BadCode, match="is no model code"):
        codes.parse(text)


def test_a_number_without_end_is_refused_and_not_shown_whole() -> None:
    with pytest.raises(BadCode) as caught:
        codes.parse("op" + "1" * 10_000)
    assert len(str(caught.value)) < 300


@settings(deadline=None)
@given(all_codes)
def test_a_code_reads_back_as_written(code: codes.Code) -> None:
    assert codes.parse(str(code)) == code


@settings(deadline=None)
@given(st.text())
def test_is_code_agrees_with_parse(text: str) -> None:
    if codes.is_code(text):
        assert str(codes.parse(text)) == text
    else:
        with pytest.raises(BadCode):
            codes.parse(text)


def test_the_next_code_is_the_lowest_free_one_of_its_domain_and_role() -> None:
    taken = ["op1", "op2", "op4", "ob3", "lp3"]
    assert codes.next_free(Domain.OCR, Role.PRIMARY, taken) == "op3"
    assert codes.next_free(Domain.RERANK, Role.SMALL, taken) == "rs1"


@settings(deadline=None)
@given(
    st.sampled_from(Domain),
    st.sampled_from(Role),
    st.lists(st.one_of(st.builds("op{}".format, st.integers(0, 9)), all_codes.map(str), st.text())),
)
def test_the_next_code_is_never_taken(domain: Domain, role: Role, taken: list[str]) -> None:
    code = codes.next_free(domain, role, taken)
    assert code not in taken
    assert (codes.parse(code).domain, codes.parse(code).role) == (domain, role)
