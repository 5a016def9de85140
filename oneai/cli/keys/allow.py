"""What a key may call, as one writes it: model codes and domains, by commas."""

from collections.abc import Collection

from oneai.core import codes
from oneai.errors import BadField, UnknownCodes
from oneai.types import Domain

_LETTERS = {name: codes.letter(domain) for domain in Domain for name in (codes.letter(domain), domain.value)}


def read(option: str, given: str | None, known: Collection[str]) -> list[str] | None:
    """Codes and domain letters, each once; None is all, for nothing given. A domain's word is its letter.

    Raises UnknownCodes for what is neither a domain nor one of `known`, BadField for an empty list.
    """
    if given is None:
        return None
    words = [word.strip() for word in given.split(",") if word.strip()]
    if not words:
        raise BadField(field=option, found=repr(given), accepted="codes and domains by commas; leave it out for all")
    if strange := [word for word in words if word not in known and word.lower() not in _LETTERS]:
        accepted = ", ".join(sorted(known)) or "none, for none is registered"
        raise UnknownCodes(param="allow", option=option, found=", ".join(strange), accepted=accepted)
    return list(dict.fromkeys(word if word in known else _LETTERS[word.lower()] for word in words))
