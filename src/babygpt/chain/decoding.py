"""Decoding: what is made of a GPT's probabilities before a token is drawn. A chain goes in, a chain comes out.

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

A rule is a field of :class:`Decoding`: its default, which changes nothing, its kind and its help stand at the field,
its check and what it does in the class. The command line's options, links, scripts and the studio's command follow.

.. [1] Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, arXiv:1904.09751.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from babygpt.errors import SettingError

if TYPE_CHECKING:  # the command line reads the rules before NumPy is loaded
    import numpy as np
    from numpy.typing import NDArray

# What rounding does to a probability, and to the sum of a hundred thousand, in float64; no float32 is as fine.
ROUNDING = 1e-12

Rules = ParamSpec("Rules")
Chain = TypeVar("Chain")


def _rule(default: Any, kind: type, help: str) -> Any:  # noqa: A002  # the option's word
    return field(default=default, metadata={"kind": kind, "help": help})


@dataclass(frozen=True)
class Decoding:
    """Rules of decoding, in the order in which they act; by default none does.

    Attributes
    ----------
    temperature
        Divides the logits; 0 is greedy.
    top_k, top_p, min_p
        Which tokens are kept: the k likeliest, the fewest that reach the share p, those at least so many times as
        likely as the likeliest.

    Raises
    ------
    SettingError
        A negative or non-finite temperature, ``top_k`` below 1, ``top_p`` outside (0, 1], ``min_p`` outside [0, 1].

    >>> Decoding(temperature=0.5, top_k=2).given
    {'temperature': 0.5, 'top_k': 2}
    >>> print(Decoding(top_p=0.9))
    top_p=0.9
    """

    temperature: float = _rule(1.0, float, "Decode with this temperature; 0 is greedy.")
    top_k: int | None = _rule(None, int, "Keep the k likeliest tokens.")
    top_p: float | None = _rule(None, float, "Keep the fewest likeliest tokens that reach this share.")
    min_p: float | None = _rule(None, float, "Keep tokens this likely, as a share of the likeliest.")

    def __post_init__(self) -> None:
        from babygpt.gpt.checks import check_count

        if not _is_number(self.temperature) or self.temperature < 0:
            told = f"temperature={self.temperature!r} is not a finite number of at least 0 (0 is greedy)."
            raise SettingError(told, "temperature", self.temperature)
        if self.top_k is not None:
            check_count("top_k", self.top_k)
        if self.top_p is not None and not (_is_number(self.top_p) and 0 < self.top_p <= 1):
            raise SettingError(f"top_p={self.top_p!r} is not a share above 0 and at most 1.", "top_p", self.top_p)
        if self.min_p is not None and not (_is_number(self.min_p) and 0 <= self.min_p <= 1):
            raise SettingError(f"min_p={self.min_p!r} is not a share from 0 to 1.", "min_p", self.min_p)

    @property
    def given(self) -> dict[str, Any]:
        """The rules that are not as by default, by name."""
        return {rule.name: value for rule in fields(self) if (value := getattr(self, rule.name)) != rule.default}

    @property
    def is_neutral(self) -> bool:
        """Whether no rule is given, and probabilities stay as the GPT has them."""
        return not self.given

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.given.items()) or "no decoding"

    def apply(self, log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probabilities (…, V) that are left of ``log_probs`` (…, V)."""
        import numpy as np

        V = log_probs.shape[-1]
        kept = log_probs - log_probs.max(axis=-1, keepdims=True)
        if self.temperature == 0:
            best = np.zeros(kept.shape, dtype=bool)
            np.put_along_axis(best, np.argmax(kept, axis=-1)[..., None], True, axis=-1)
            return np.where(best, 0.0, -np.inf)
        order = np.argsort(-kept, axis=-1, kind="stable")  # likeliest first, equals by number, at any temperature
        if self.top_k is not None and self.top_k < V:
            kth = np.take_along_axis(kept, order[..., self.top_k - 1, None], axis=-1)
            kept = np.where(kept < kth - ROUNDING, -np.inf, kept)
        with np.errstate(over="ignore"):  # a very low temperature: what overflows is a true zero
            kept = kept / self.temperature
        if self.top_p is not None and self.top_p < 1:
            ranked = np.take_along_axis(_normalised(kept), order, axis=-1)
            enough = np.cumsum(np.exp(ranked), axis=-1) >= self.top_p - ROUNDING
            ranked[..., 1:] = np.where(enough[..., :-1], -np.inf, ranked[..., 1:])
            np.put_along_axis(kept, order, ranked, axis=-1)
        if self.min_p is not None and self.min_p > 0:
            least = kept.max(axis=-1, keepdims=True) + math.log(self.min_p) - ROUNDING
            kept = np.where(kept < least, -np.inf, kept)
        return _normalised(kept)


def by_rules(
    make: Callable[Rules, Decoding],
) -> Callable[[Callable[[Chain, Decoding], Chain]], Callable[Concatenate[Chain, Rules], Chain]]:
    """Return what turns a method that takes a decoding into one that takes its rules, in order or by name."""

    def spell_out(method: Callable[[Chain, Decoding], Chain]) -> Callable[Concatenate[Chain, Rules], Chain]:
        @wraps(method)
        def call(self: Chain, *args: Rules.args, **kwargs: Rules.kwargs) -> Chain:
            return method(self, make(*args, **kwargs))

        own = signature(method)
        itself = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
        rules = signature(make).parameters.values()
        call.__signature__ = own.replace(parameters=[itself, *rules])  # type: ignore[attr-defined]
        return cast(Callable[Concatenate[Chain, Rules], Chain], call)  # whose first argument has a name

    return spell_out


def _is_number(value: object) -> bool:
    import numpy as np

    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _normalised(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    with np.errstate(divide="ignore"):
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
