"""Numbers that are never too small for a float: a float64 and, beside it, a power of two.

A float64 ends at 10⁻³⁰⁸, and a walk that takes two arrows of 10⁻²⁰⁰ in a row is rarer than that. A :class:`Wide` array
keeps each number as m · 2ᵉ, with m from ½ to 1 and e a whole number of its own, so that products keep all their
digits however small they are. It is many times slower than NumPy, and only for where floats do not reach.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The exponent of 0, below that of any number and still far from the end of int64.
ZERO = -(2**60)
# Beyond so many powers of two a float64 is 0, or infinite, whatever it was.
BEYOND = 2**12
# e to a power below this may have fewer digits as a float64, or none.
NEAR = -700.0
LARGEST_LOG = 10**14
LN2 = 0xB17217F7D1CF79ABC9E3B39803F2F6AF  # ln 2 times 2¹²⁸


class Wide:
    """An array of numbers that are not negative; the operations that elimination needs, and no others.

    >>> rare = Wide.of(np.array([1e-200, 3e-200]))
    >>> tiny = rare * rare
    >>> (tiny / tiny.sum()).floats().round(12).tolist()
    [0.1, 0.9]
    """

    def __init__(self, m: NDArray[np.float64], e: NDArray[np.int64]) -> None:
        self._m, self._e = m, e

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Wide:
        """Return float64 numbers as wide ones, in the same shape."""
        return cls._normal(np.asarray(values, dtype=np.float64), np.zeros(np.shape(values), dtype=np.int64))

    @classmethod
    def from_logs(cls, logs: NDArray[np.float64]) -> Wide:
        """Return e to the power of each of ``logs``, which are at most 0 and may be −∞, in the same shape.

        A logarithm counts as exact, whatever its size: it is divided by ln 2 with 128 bits after the point.

        Raises
        ------
        OverflowError
            A logarithm below −10¹⁴, of which no sum or product of many would be a number still.
        """
        logs = np.asarray(logs, dtype=np.float64)
        numbers = cls.of(np.exp(logs))
        for place in np.argwhere((logs < NEAR) & (logs > -np.inf)):
            at = tuple(place)
            over, under = (-float(logs[at])).as_integer_ratio()
            if over > LARGEST_LOG * under:
                raise OverflowError(f"A probability of e^{logs[at]:.3g} is beyond all numbers here.")
            e, rest = divmod((over << 128) // under, LN2)
            numbers._m[at], shift = np.frexp(np.exp(-rest / 2.0**128))
            numbers._e[at] = int(shift) - e
        return numbers

    @classmethod
    def _normal(cls, m: NDArray[np.float64], e: NDArray[np.int64]) -> Wide:
        m, more = np.frexp(m)
        return cls(np.asarray(m), np.where(m == 0, ZERO, e + more))

    def floats(self) -> NDArray[np.float64]:
        """Return the nearest float64 numbers: 0 for what is too small, infinity for what is too large."""
        with np.errstate(over="ignore", under="ignore"):
            return _scaled(self._m, self._e)

    def copy(self) -> Wide:
        """Return the same numbers, to be changed."""
        return Wide(self._m.copy(), self._e.copy())

    def scaled(self) -> tuple[NDArray[np.float64], int]:
        """Return floats whose largest lies from ½ to 1, and by which power of two they were divided."""
        e = int(self._e.max(initial=ZERO))
        return _scaled(self._m, self._e - e), e

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self._m.shape

    def __len__(self) -> int:
        return len(self._m)

    def __getitem__(self, place: Any) -> Wide:
        return Wide(np.asarray(self._m[place]), np.asarray(self._e[place]))

    def __setitem__(self, place: Any, values: Wide) -> None:
        self._m[place], self._e[place] = values._m, values._e

    def __add__(self, other: Wide) -> Wide:
        e = np.maximum(self._e, other._e)
        return Wide._normal(_scaled(self._m, self._e - e) + _scaled(other._m, other._e - e), e)

    def __mul__(self, other: Wide) -> Wide:
        return Wide._normal(self._m * other._m, self._e + other._e)

    def __truediv__(self, other: Wide) -> Wide:
        return Wide._normal(self._m / other._m, self._e - other._e)

    def __matmul__(self, other: Wide) -> Wide:
        product = Wide.of(np.zeros((len(self), other.shape[1])))
        for k in range(len(other)):
            product = product + self[:, k, None] * other[k]
        return product

    def sum(self, axis: int | None = None) -> Wide:
        """Return the sum over an axis, or over all."""
        e = np.max(self._e, axis=axis, keepdims=True, initial=ZERO)
        total = np.sum(_scaled(self._m, self._e - e), axis=axis)
        return Wide._normal(np.asarray(total), e.reshape(np.shape(total)))


def _scaled(m: NDArray[np.float64], by: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.ldexp(m, np.clip(by, -BEYOND, BEYOND).astype(np.int32)))
