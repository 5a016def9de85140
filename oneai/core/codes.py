"""Model codes such as op1: parsed strictly, and the next free one allotted."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count

from oneai.errors import BadCode
from oneai.types import Domain, Role

_DOMAINS = {domain.value[0]: domain for domain in Domain}
_ROLES = {role.value[0]: role for role in Role}
# Nine digits are more than anyone needs, and keep int() away from numbers that take it long.
_CODE = re.compile(r"([olvter])([pbsv])([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a model's code says: `str()` gives the code back."""

    domain: Domain
    role: Role
    index: int

    def __str__(self) -> str:
        return f"{letter(self.domain)}{self.role.value[0]}{self.index}"


def letter(domain: Domain) -> str:
    """The domain's letter, as in a code and in a key's `allow`."""
    return domain.value[0]


def parse(code: str) -> Code:
    """The parts of a code; raises BadCode for anything that is not exactly one."""
    match = _CODE.fullmatch(code)
    if match is None:
        raise BadCode(found=repr(code[:40]))
    return Code(domain=_DOMAINS[match[1]], role=_ROLES[match[2]], index=int(match[3]))


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def next_free(domain: Domain, role: Role, taken: Collection[str]) -> str:
    """The lowest code of this domain and role that is not taken.

    `taken` must hold the codes of hidden rows too: their history still bears them.
    """
    used = frozenset(taken)
    codes = (str(Code(domain=domain, role=role, index=index)) for index in count(1))
    return next(code for code in codes if code not in used)
