"""Computations in steps: generators that yield between two pieces of work and return the result in the end.

A studio that serves many does a few steps at a time, or drops the rest; whoever only wants the result calls
:func:`finish`. Nothing but memory is held between two steps: no lock, no global setting.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]


def finish(steps: Steps[T]) -> T:
    """Do all steps that are left and return the result.

    >>> def halves(x):
    ...     while x % 2 == 0:
    ...         x //= 2
    ...         yield
    ...     return x
    >>> finish(halves(40))
    5
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
