"""Settings are checked where they enter, so that a mistake is told in the words of whoever made it."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SettingError
from babygpt.settings import Setting


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return ``value`` as an int, or raise :class:`SettingError` unless it is a whole number ≥ ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise SettingError(f"{name}={value!r} is not a whole number of at least {least}.", name, value)
    return int(value)


def check_rate(name: str, value: object, zero: bool = False) -> float:
    """Return ``value`` as a float, or raise :class:`SettingError` unless it is finite and > 0 (``zero``: ≥ 0)."""
    if isinstance(value, (Real, np.number)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and (number > 0 or (zero and number == 0)):
            return number
    raise SettingError(
        f"{name}={value!r} is not a finite number " + ("of at least 0." if zero else "above 0."), name, value
    )


def check_setting(setting: Setting, value: object, name: str | None = None) -> Any:
    """Return ``value`` as the kind of its setting, or raise :class:`SettingError` unless it is in its range.

    The error calls it ``name``, by default the setting's. A text without choices comes back as it is.
    """
    name = name or setting.name
    if value is None and setting.default is None:
        return None
    if setting.kind is int:
        return check_whole(name, value, 1 if setting.least is None else setting.least)
    if setting.kind is float:
        return check_rate(name, value, zero=setting.least == 0)
    if setting.kind is bool and not isinstance(value, bool):
        raise SettingError(f"{name}={value!r} is neither True nor False.", name, value)
    if setting.choices:
        check_choice(name, value, setting.choices)
    return value


def check_whole(name: str, value: object, least: int = 1) -> int:
    """Return ``value`` as an int, or raise :class:`SettingError` unless it is whole, from ``least`` to 2⁶³ − 1."""
    number = check_count(name, value, least)
    if number >= 2**63:
        raise SettingError(f"{name}={number} does not fit 63 bits. Use a smaller number.", name, value)
    return number


def check_seed(seed: object) -> int:
    """Return ``seed`` as an int, or raise :class:`SettingError` unless it is a whole number from 0 to 2⁶³ − 1."""
    return check_whole("seed", seed, least=0)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise :class:`SettingError` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise SettingError(f"{name}={value!r} is not known. Use {' or '.join(map(repr, choices))}.", name, value)


def human_bytes(count: float) -> str:
    """Return a number of bytes as a person says it.

    >>> human_bytes(1536), human_bytes(2**30), human_bytes(10**24)
    ('1.5 KiB', '1.0 GiB', '10^24 bytes')
    """
    if count > 2**70:
        return f"10^{math.log10(count):.0f} bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if count < 1024 or unit == "PiB":
            break
        count /= 1024
    return f"{count:,.0f} bytes" if unit == "bytes" else f"{count:,.1f} {unit}"


def check_vector(name: str, values: object, n: int) -> NDArray[np.float64]:
    """Return ``values`` as float64 (n,), or raise :class:`SettingError` unless they are ``n`` numbers in a row."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64 and values.shape == (n,):
        return values
    try:
        array = np.asarray(values)
        if array.dtype.kind in "fiub" and array.shape == (n,):
            return array.astype(np.float64)
        given = f"of {array.dtype}, of shape {array.shape}"
    except ValueError:  # lists of several lengths
        given = "lists of several lengths"
    raise SettingError(f"{name} is {given}; here it is {n:,} numbers in a row, one for each state.")


def check_places(name: str, places: NDArray[np.int64], n: int) -> None:
    """Raise :class:`SettingError` unless all ``places`` are among the first ``n``."""
    if places.size and not 0 <= int(places.min()) <= int(places.max()) < n:
        raise SettingError(f"{name} has numbers from {places.min()} to {places.max()}; here they are 0 to {n - 1:,}.")
