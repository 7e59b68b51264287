"""Decoding: how a GPT's probabilities are bent before a token is drawn. A chain goes in, a chain comes out.

In the field's usual order: the *temperature* T divides the logits (below 1 sharpens, above 1 flattens, 0 is
*greedy*); *top-k* keeps the k likeliest tokens, and all that tie with the k-th; *top-p* (nucleus [1]_) keeps the
fewest likeliest tokens whose probabilities reach p; *min-p* keeps tokens at least min_p times as likely as the
likeliest. What is left is normalised. The likeliest token always stays.

Tokens are ranked by probability, and equal ones by number: greedy takes the first in rank, top-p as many of the first
as it needs, so what greedy takes is in every cut. A cut is decided as it would be without rounding: a sum or a ratio
that misses its edge by no more than 10⁻¹² (:data:`ROUNDING`) is on it, so that of (.3, .1, .1, .5) two tokens reach
p = .8. What a GPT computes in single precision is off by 10⁻⁷; that is not taken for a tie, and such numbers are cut
as they are.

Truncation makes true zeros: the chain may then have transient states and several recurrent classes.

.. [1] Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, arXiv:1904.09751.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import SettingError
from babygpt.gpt.checks import check_count

# What rounding does to a probability, and to the sum of a hundred thousand, in float64; no float32 is as fine.
ROUNDING = 1e-12


def decode(
    log_probs: NDArray[np.float64],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> NDArray[np.float64]:
    """Return the log-probabilities (…, V) that are left of ``log_probs`` (…, V) after decoding.

    Raises
    ------
    SettingError
        A negative or non-finite temperature, ``top_k`` below 1, ``top_p`` outside (0, 1], ``min_p`` outside [0, 1].
    """
    check_decoding(temperature, top_k, top_p, min_p)
    V = log_probs.shape[-1]
    kept = log_probs - log_probs.max(axis=-1, keepdims=True)
    if temperature == 0:
        best = np.zeros(kept.shape, dtype=bool)
        np.put_along_axis(best, np.argmax(kept, axis=-1)[..., None], True, axis=-1)
        return np.where(best, 0.0, -np.inf)
    order = np.argsort(-kept, axis=-1, kind="stable")  # likeliest first, equals by number, at any temperature
    if top_k is not None and top_k < V:
        kth = np.take_along_axis(kept, order[..., top_k - 1, None], axis=-1)
        kept = np.where(kept < kth - ROUNDING, -np.inf, kept)
    with np.errstate(over="ignore"):  # a very low temperature: what overflows is a true zero
        kept = kept / temperature
    if top_p is not None and top_p < 1:
        ranked = np.take_along_axis(_normalised(kept), order, axis=-1)
        enough = np.cumsum(np.exp(ranked), axis=-1) >= top_p - ROUNDING
        ranked[..., 1:] = np.where(enough[..., :-1], -np.inf, ranked[..., 1:])
        np.put_along_axis(kept, order, ranked, axis=-1)
    if min_p is not None and min_p > 0:
        least = kept.max(axis=-1, keepdims=True) + math.log(min_p) - ROUNDING
        kept = np.where(kept < least, -np.inf, kept)
    return _normalised(kept)


def check_decoding(temperature: float, top_k: int | None, top_p: float | None, min_p: float | None) -> None:
    """Raise :class:`SettingError` for settings that mean nothing."""
    if not _is_number(temperature) or temperature < 0:
        raise SettingError(f"temperature={temperature!r} is not a finite number of at least 0 (0 is greedy).")
    if top_k is not None:
        check_count("top_k", top_k)
    if top_p is not None and not (_is_number(top_p) and 0 < top_p <= 1):
        raise SettingError(f"top_p={top_p!r} is not a share above 0 and at most 1.")
    if min_p is not None and not (_is_number(min_p) and 0 <= min_p <= 1):
        raise SettingError(f"min_p={min_p!r} is not a share from 0 to 1.")


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _normalised(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
