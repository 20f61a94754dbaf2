"""Vectors: sequences of floats that NumPy and others read without a copy."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..typed import convert

__all__ = ["Vector"]

if TYPE_CHECKING:
    _Floats = array[float]
else:  # before Python 3.12 an array has no type parameter when it runs
    _Floats = array


class Vector(_Floats):
    """The numbers of one embedding: a sequence of `float`, four bytes each where they came in base64, else eight.

    It has the buffer protocol (`numpy.asarray(vector)` copies nothing), equals any sequence of the same numbers, and
    `tolist()` makes a list of it, for JSON.
    """

    __slots__ = ()
    __hash__ = None

    def __new__(cls, numbers: Sequence[float] | bytes, typecode: str = "d") -> Vector:
        """`typecode`: "d" keeps every digit, "f" takes half of that. Raises `TypeError` for what is not a number."""
        return super().__new__(cls, typecode, numbers)

    @classmethod
    def from_base64(cls, text: str) -> Vector:
        """The vector of little-endian 32-bit floats in base64. Raises `ValueError` for anything else."""
        vector = cls(convert(text, bytes), "f")  # four times as quick as `binascii`
        if sys.byteorder == "big":
            vector.byteswap()
        return vector

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Vector(found.tobytes(), self.typecode) if isinstance(key, slice) else found

    def __eq__(self, other: object) -> bool:
        if isinstance(other, array):
            return super().__eq__(other)
        return isinstance(other, Sequence) and not isinstance(other, str | bytes) and self.tolist() == list(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"Vector({self.tolist()!r})"

    def __copy__(self) -> Vector:
        return Vector(self.tobytes(), self.typecode)

    def __deepcopy__(self, memo: Any) -> Vector:
        return self.__copy__()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return Vector, (self.tobytes(), self.typecode)
