"""Settings are checked where they enter, so that a mistake is told in the words of whoever made it."""

from __future__ import annotations

import math

import numpy as np

from babygpt.errors import SettingError


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raise :class:`SettingError` unless ``value`` is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise SettingError(f"{name}={value!r} is not a whole number of at least {least}.")


def check_rate(name: str, value: object, zero: bool = False) -> None:
    """Raise :class:`SettingError` unless ``value`` is a finite number above 0 (or, with ``zero``, at least 0)."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not zero):  # type: ignore[operator]
        raise SettingError(f"{name}={value!r} is not a finite number {'of at least' if zero else 'above'} 0.")


def check_seed(seed: object) -> None:
    """Raise :class:`SettingError` unless ``seed`` is a whole number from 0 to 2⁶³ − 1."""
    check_count("seed", seed, least=0)
    if int(seed) >= 2**63:  # type: ignore[call-overload]
        raise SettingError(f"seed={seed} does not fit 63 bits. Use a smaller number.")
