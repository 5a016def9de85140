"""`dataclass(frozen=True)` for values that each call makes: the type checker keeps them from being changed, and that is
all.

What dataclasses do at run time to the same end sends each field of a new value through `object.__setattr__`: of the
hundred fields that a call makes, a twentieth of its time.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(*, frozen, **options):
        assert frozen, "a value that may be changed is a plain dataclass"
        return dataclasses.dataclass(unsafe_hash=True, **options)
