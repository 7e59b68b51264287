"""What a model returned, as numbers: the logits of the token after the last one, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, float64, nn

from babygpt.errors import ModelError, SettingError


def last_logits(given: Any, B: int, T: int, V: int) -> Tensor | NDArray[Any]:
    """Return the logits after the last token, (B, V), of whatever a model returned; V is 0 where it is not known.

    Raises
    ------
    ModelError
        There are none in it, of B contexts of T tokens.
    SettingError
        They are not V.
    """
    logits: Any = getattr(given, "logits", given)
    if isinstance(logits, (tuple, list)) and logits and isinstance(logits[0], (Tensor, np.ndarray)):
        logits = logits[0]
    if not isinstance(logits, Tensor):
        logits = np.asarray(logits)
    shape = tuple(logits.shape)
    if len(shape) == 3 and shape[1] in (1, T):
        logits = logits[:, -1]
    if logits.ndim != 2 or len(logits) != B:
        v = V or "V"
        what = f"of shape {shape}" if shape else f"that is a {type(given).__name__}"
        raise ModelError(
            f"The model answered {B:,} contexts of {T} token{'s' * (T != 1)} with something {what}; logits are "
            f"({B}, {v}), or ({B}, {T}, {v}) after every token."
        )
    if V and logits.shape[1] != V:
        raise other_columns(logits.shape[1], V)
    return logits


def other_columns(columns: int, symbols: int) -> SettingError:
    """Return the error to raise where a model and a vocabulary differ in their numbers of symbols."""
    advice = "give one each."
    if columns > symbols:
        advice += (
            " If columns are left over to fill up the model's vocabulary, cut them off: "
            f"lambda idx: model(idx).logits[..., :{symbols}]."
        )
    return SettingError(f"The model's logits have {columns:,} columns and the vocabulary {symbols:,} symbols: {advice}")


@contextmanager
def evaluating(module: nn.Module | None) -> Iterator[None]:
    """Let a module be in evaluation mode inside the block, without dropout, and leave it as it was found."""
    modes = {} if module is None else {part: part.training for part in module.modules()}
    if module is None or not any(modes.values()):
        yield
        return
    with suppress(NotImplementedError):  # exported programs have no modes
        module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():  # a module comes before its parts, which may differ from it
            if part.training != mode:
                part.train(mode)


def numbers(logits: Tensor | NDArray[Any]) -> NDArray[np.float64]:
    """Return logits in float64.

    Raises
    ------
    ModelError
        They are no real numbers.
    """
    if isinstance(logits, Tensor):
        if logits.is_meta:
            raise ModelError("The model is on the meta device: it has shapes and no numbers. Give it weights.")
        if logits.is_complex():
            raise ModelError("The model's logits are complex numbers.")
        return logits.detach().to("cpu").to(float64).numpy()  # in this order: MPS has no float64
    try:
        if not np.iscomplexobj(logits):
            return logits.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise ModelError(f"The model's logits are no real numbers: they have dtype {logits.dtype}.")


def check_finite(logits: NDArray[np.float64], tokens: NDArray[np.int64]) -> None:
    """Raise :class:`ModelError` unless each row is a distribution; logits of −∞ are true zeros."""
    good = (logits < np.inf).all(axis=1) & (logits.max(axis=1) > -np.inf)
    if not good.all():
        row = int(np.argmin(good))
        raise ModelError(
            f"After the tokens {' '.join(map(str, tokens[row]))} the model's logits are {logits[row][:8]}: no "
            "distribution. A logit is a number, or −inf for what never follows, and one at least is a number."
        )


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-probabilities of each row of logits (…, V), in float64."""
    with np.errstate(invalid="ignore"):  # a GPT broken by training gives NaN, which its reader refuses
        shifted = logits - logits.max(axis=-1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of each row of logits (…, V), in float64."""
    return np.exp(log_softmax(logits))


def furthest(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far apart two rows of probabilities lie at most, 0 where one is broken: (B, V), (B, V) → (B,)."""
    return np.nan_to_num(np.abs(np.asarray(a, dtype=np.float64) - b).max(axis=1))
