"""Sources whose truth is known, by name.

===============  =======================================================================================
``periodic``     a word said over and over
``coin``         independent tosses
``markov``       any Markov chain of any order: the last r symbols decide
``parity``       each symbol is the parity of the last few, seldom flipped: only all of them together tell
``golden_mean``  no two 0s in a row [1]_
``even_process`` an even number of 1s between 0s: no finite order suffices [1]_
``mess3``        three hidden states that are never known for sure; belief states form a fractal [2]_
``rrxor``        two random symbols, then their exclusive or [1]_
``nested``       a slow hidden process that chooses which of several fast sources speaks
===============  =======================================================================================

:func:`named` reads such a source from a text, for the command line and for files.

.. [1] Crutchfield, Feldman, "Regularities unseen, randomness observed", Chaos 13 (2003), 25–54.
.. [2] Marzen, Crutchfield, "Nearly maximally predictive features and their dimensions", Physical Review E 95 (2017),
   051301; Shai et al., "Transformers represent belief state geometry in their residual stream", NeurIPS 2024.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from babygpt.errors import BabyGPTError, SettingError
from babygpt.gpt.checks import check_count, check_rate
from babygpt.gpt.vocabulary import Vocabulary
from babygpt.lab.hidden_markov import Source, check_table

__all__ = [
    "EXAMPLES",
    "Source",
    "coin",
    "even_process",
    "golden_mean",
    "markov",
    "mess3",
    "named",
    "nested",
    "parity",
    "periodic",
    "rrxor",
]

# The longest text that is read as the name of a source.
MAX_NAME = 2**16


def periodic(word: str) -> Source:
    """Return the source that says ``word`` over and over, begun anywhere in it. Its entropy rate is 0.

    Its optimal loss is 0 once K tokens tell where in the word they are. It has one hidden state for each position.

    >>> source = periodic("00101")
    >>> source.n_states, source.optimal_loss(3) > 0.1, source.optimal_loss(4)
    (5, True, 0.0)
    """
    if not isinstance(word, str) or len(set(word)) < 2:
        raise SettingError(f"{word!r:.40} is no word of two symbols or more. Give one such as periodic('00101').")
    once = (word + word).index(word, 1)  # of "0101" only "01" is said over and over
    vocabulary = Vocabulary.from_text(word)
    check_table(len(vocabulary), once)
    T = np.zeros((len(vocabulary), once, once))
    for place, token in enumerate(vocabulary.encode(word[:once])):
        T[token, place, (place + 1) % once] = 1.0
    return Source(T, vocabulary, f"periodic({word[:once]!r})")


def coin(p: float = 0.5) -> Source:
    """Return the source of independent tosses: 1 with probability ``p``, else 0. Entropy rate: that of one toss."""
    p = _probability("p", p)
    return Source(np.array([[[1 - p]], [[p]]]), Vocabulary("01"), f"coin(p={p!r})")


def markov(table: ArrayLike, vocabulary: Vocabulary | Sequence[str] | None = None) -> Source:
    """Return a Markov chain of any order: ``table`` (V^r, V) holds the probability of each symbol after each context.

    The V^r contexts of r symbols, in order of number (000, 001, …), are its hidden states, although r tokens of context
    show them. Entropy rate: Σ_c π(c) H(symbol | c).

    >>> source = markov([[0.9, 0.1], [0.3, 0.7]], "ab")
    >>> source.chain(1)["b"], round(source.entropy_rate(), 4)
    ({'a': 0.3, 'b': 0.7}, 0.3965)
    """
    try:
        probs = np.array(table, dtype=np.float64)
    except (TypeError, ValueError):
        raise SettingError("markov takes a table of probabilities such as [[0.9, 0.1], [0.3, 0.7]].") from None
    if probs.ndim != 2 or probs.shape[1] < 2:
        raise SettingError(
            f"The table of markov has shape {probs.shape}; it needs a row for each context and a column for each of "
            "two symbols or more."
        )
    S, V = probs.shape
    order = round(np.log(max(S, 1)) / np.log(V))
    if V**order != S:
        raise SettingError(f"A Markov chain over {V} symbols has {V}, {V**2}, {V**3}, … contexts; the table has {S}.")
    check_table(V, S)
    T, states = np.zeros((V, S, S)), np.arange(S)
    for token in range(V):
        T[token, states, (states * V + token) % S] = probs[:, token]
    kept = _vocabulary(vocabulary, V)
    return Source(T, kept, f"markov({_compact(probs.tolist())},{_spelled(kept)})")


def parity(length: int = 3, noise: float = 0.1) -> Source:
    """Return the source whose every symbol is the parity of the last ``length``, flipped with probability ``noise``.

    Entropy rate H(noise) = −noise ln noise − (1 − noise) ln(1 − noise). With fewer than ``length`` tokens of context
    nothing can be foreseen, and the optimal loss is ln 2. With more than ``length`` there is a shortcut that is no
    parity: each token is the one ``length`` + 1 before it but for what was flipped of the two. A *copy* of that one,
    wrong with probability 2·noise·(1 − noise), is all that a model learns first. There its loss stands still, at
    H(2·noise·(1 − noise)) − H(noise) above the optimal one (:attr:`babygpt.Judgement.copy_excess`; .1463 nats for a
    noise of .1). For a parity that must be learnt, train with a context length of ``length`` exactly.

    >>> parity(3, 0.1).lag_losses(4).round(4).tolist()  # one token alone, 1 to 4 back
    [0.6931, 0.6931, 0.6931, 0.4714]
    """
    length, noise = check_count("length", length), _probability("noise", noise)
    check_table(2, 2 ** min(length, 64))
    odd = np.array([state.bit_count() % 2 for state in range(2**length)])
    ones = np.where(odd, 1 - noise, noise)
    try:
        chain = markov(np.column_stack([1 - ones, ones]), "01")
    except SettingError:
        raise SettingError(
            f"With noise={noise:g} the parity of the first symbols is kept for ever, and there is no single long run. "
            "Try a noise between 0 and 1."
        ) from None
    return Source(chain.transitions, chain.vocabulary, f"parity(length={length},noise={noise!r})")


def golden_mean(p: float = 0.5) -> Source:
    """Return the golden mean process: 1 with probability ``p``, but after a 0 always: no two 0s come in a row.

    Entropy rate H(p) / (2 − p): 2/3 bit for p = ½. Its order is 1.
    """
    p = _probability("p", p)
    T = np.zeros((2, 2, 2))
    T[1, 0, 0], T[0, 0, 1], T[1, 1, 0] = p, 1 - p, 1.0
    return Source(T, Vocabulary("01"), f"golden_mean(p={p!r})")


def even_process(p: float = 0.5) -> Source:
    """Return the even process: 0 with probability ``p``, else a pair 11: an even number of 1s lies between two 0s.

    Entropy rate H(p) / (2 − p): 2/3 bit for p = ½. A run of 1s never tells whether it is even or odd, so that no
    finite context suffices: every model with one is above the entropy rate.
    """
    p = _probability("p", p)
    T = np.zeros((2, 2, 2))
    T[0, 0, 0], T[1, 0, 1], T[1, 1, 0] = p, 1 - p, 1.0
    return Source(T, Vocabulary("01"), f"even_process(p={p!r})")


def mess3(x: float = 0.05, a: float = 0.85) -> Source:
    """Return Mess3: three hidden states, each left for each other with probability ``x``.

    The state arrived at says its own symbol with probability ``a``, each of the other two with (1 − a)/2. It is not
    unifilar: its entropy rate has no closed form, and its belief states fill a fractal.
    """
    x, a = _probability("x", x), _probability("a", a)
    if x > 0.5:
        raise SettingError(f"x={x:g} is the probability of each of two moves; it goes up to 0.5.")
    moves = np.where(np.eye(3) > 0, 1 - 2 * x, x)
    says = np.where(np.eye(3) > 0, a, (1 - a) / 2)  # (token, state arrived at)
    return Source(moves * says[:, None, :], Vocabulary("012"), f"mess3(x={x!r},a={a!r})")


def rrxor() -> Source:
    """Return random–random–exclusive or: two tosses of a fair coin, then 1 if they differ, else 0; and again.

    Entropy rate (2/3) ln 2. To foresee each third symbol one must know where in the three one is, which takes a long
    context.
    """
    T = np.zeros((2, 5, 5))  # states: nothing said yet; 0, 1 said; the two were alike, differed
    T[0, 0, 1] = T[1, 0, 2] = T[0, 1, 3] = T[1, 1, 4] = T[0, 2, 4] = T[1, 2, 3] = 0.5
    T[0, 3, 0] = T[1, 4, 0] = 1.0
    return Source(T, Vocabulary("01"), "rrxor()")


def nested(*sources: Source, switch: float | ArrayLike = 0.05) -> Source:
    """Return a slow hidden process whose states are fast ``sources``: whichever it is in speaks.

    Before each symbol the slow process moves: to each other source with equal probability, ``switch`` in all, or as a
    matrix (M, M) says. A source that goes on speaking goes on from its hidden state; one that is moved to begins anew,
    in its own long run. A hidden state of the whole is the source that speaks together with the state that one is in:
    S = Σ S_m. The fast sources may be nested themselves. The symbols are those of all of them, sorted.

    >>> source = nested(coin(0.1), coin(0.9), switch=0.02)
    >>> source.n_states, source.entropy_bounds.error < 1e-6
    (2, True)
    """
    if len(sources) < 2 or not all(isinstance(source, Source) for source in sources):
        raise SettingError("nested takes two sources or more, such as nested(coin(0.1), coin(0.9), switch=0.05).")
    moves = _moves(switch, len(sources))
    kinds = {source.vocabulary.tokens for source in sources}
    if len(kinds) > 1:
        raise SettingError("Some of the sources say characters and some say words. Nest like with like.")
    vocabulary = Vocabulary(tuple(sorted({s for source in sources for s in source.vocabulary.symbols})), kinds.pop())
    starts = np.cumsum([0, *(source.n_states for source in sources)])
    check_table(len(vocabulary), int(starts[-1]))
    T = np.zeros((len(vocabulary), starts[-1], starts[-1]))
    for n, after in enumerate(sources):
        tokens = [vocabulary.symbols.index(symbol) for symbol in after.vocabulary.symbols]
        to = slice(starts[n], starts[n + 1])
        anew = np.einsum("i,xij->xj", after.stationary(), after.transitions)
        for m in range(len(sources)):
            at = slice(starts[m], starts[m + 1])
            T[tokens, at, to] = moves[m, n] * (after.transitions if m == n else anew[:, None, :])
    spelled = _compact(moves.tolist()) if np.ndim(switch) else repr(float(switch))  # type: ignore[arg-type]
    names = [source.name for source in sources]
    return Source(T, vocabulary, f"nested({','.join(names)},switch={spelled})" if all(names) else "")


# -- by name ---------------------------------------------------------------------------------------------------

_MAKERS: dict[str, Callable[..., Source]] = {
    maker.__name__: maker for maker in (periodic, coin, markov, parity, golden_mean, even_process, mess3, rrxor, nested)
}

# One of each, as it is called.
EXAMPLES = (
    "periodic('00101')",
    "coin(p=0.5)",
    "markov([[0.9,0.1],[0.3,0.7]],'01')",
    "parity(length=3,noise=0.1)",
    "golden_mean(p=0.5)",
    "even_process(p=0.5)",
    "mess3(x=0.05,a=0.85)",
    "rrxor()",
    "nested(coin(p=0.1),coin(p=0.9),switch=0.05)",
)


def named(text: str) -> Source:
    """Return the source that a text names, such as ``"mess3(x=0.05,a=0.85)"``.

    The text reads like a call, but nothing in it is run: it may hold numbers, fractions such as 1/3, texts, lists, and
    sources. What is left out has its default; a name may be cut short where that leaves one: ``"even"``.

    Raises
    ------
    SettingError
        There is no such source, it has no such parameter, or the text is not of that form.

    >>> named("even").name, named("nested(coin(1/4), golden)").n_states
    ('even_process(p=0.5)', 3)
    """
    if not isinstance(text, str) or len(text) > MAX_NAME:
        raise SettingError(f"A source is named by a text of at most {MAX_NAME:,} characters, such as {EXAMPLES[6]}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's own, about what is refused below
            made = _read(ast.parse(text.strip(), mode="eval").body, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, ZeroDivisionError, OverflowError) as error:
        raise error if isinstance(error, BabyGPTError) else _unreadable(text) from None
    if not isinstance(made, Source):
        raise _unreadable(text)
    return made


def _read(node: ast.expr, text: str) -> object:
    match node:
        case ast.Name(id=name):
            return _make(name, [], {}, text)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if all(k.arg for k in keywords):
            given = {str(keyword.arg): _read(keyword.value, text) for keyword in keywords}
            return _make(name, [_read(arg, text) for arg in args], given, text)
        case ast.Constant(value=bool() | None):
            pass
        case ast.Constant(value=int() | float() | str() as value):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_read(part, text) for part in parts]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            above, below = _read(left, text), _read(right, text)
            if isinstance(above, (int, float)) and isinstance(below, (int, float)):
                return above / below
    raise _unreadable(text)


def _make(name: str, args: list[object], given: dict[str, object], text: str) -> Source:
    found = [known for known in _MAKERS if known == name] or [known for known in _MAKERS if known.startswith(name)]
    if len(found) > 1:
        raise SettingError(f"{name!r:.40} could be any of the known sources: {', '.join(found)}.")
    if not found:
        known = [*_MAKERS, *(maker.split("_")[0] for maker in _MAKERS)]  # even_process is even for short
        close = difflib.get_close_matches(name[:40], known, 1, cutoff=0.65)
        raise SettingError(
            f"{name!r:.40} is none of the known sources"
            + (f". Did you mean {close[0]!r}?" if close else f": {', '.join(_MAKERS)}.")
        )
    maker = _MAKERS[found[0]]
    signature = inspect.signature(maker)
    try:
        signature.bind(*args, **given)
    except TypeError as error:
        example = next(example for example in EXAMPLES if example.startswith(found[0]))
        raise SettingError(
            f"{text!r:.80}: {error}. The parameters of {found[0]} are {', '.join(signature.parameters) or 'none'}; "
            f"write it as {example}, say."
        ) from None
    return maker(*args, **given)


def _unreadable(text: str) -> SettingError:
    return SettingError(f"{text!r:.80} does not name a source. Write it as a call, such as {EXAMPLES[6]}.")


# -- checks ----------------------------------------------------------------------------------------------------


def _probability(name: str, value: object) -> float:
    if check_rate(name, value, zero=True) > 1:
        raise SettingError(f"{name}={value!r} is no probability; it goes from 0 to 1.")
    return float(value)  # type: ignore[arg-type]  # a number, as just checked


def _moves(switch: float | ArrayLike, n: int) -> NDArray[np.float64]:
    if np.ndim(switch) == 0:
        away = _probability("switch", switch)
        return np.where(np.eye(n) > 0, 1 - away, away / (n - 1))
    try:
        moves = np.array(switch, dtype=np.float64)
    except (TypeError, ValueError):
        moves = np.zeros(0)
    if moves.shape != (n, n) or not ((moves >= 0).all() and np.allclose(moves.sum(axis=1), 1, rtol=0, atol=1e-9)):
        raise SettingError(
            f"switch is a probability, or for {n} sources a matrix ({n}, {n}) of them whose rows sum to 1."
        )
    return moves


def _vocabulary(given: Vocabulary | Sequence[str] | None, V: int) -> Vocabulary:
    if given is None:
        return Vocabulary.numbers(V)
    if isinstance(given, Vocabulary):
        return given
    symbols = tuple(given) if isinstance(given, Sequence) else ()
    words = any(isinstance(symbol, str) and len(symbol) > 1 for symbol in symbols)
    return Vocabulary(symbols, "words" if words else "chars")


def _spelled(vocabulary: Vocabulary) -> str:
    return repr("".join(vocabulary)) if vocabulary.tokens == "chars" else _compact(list(vocabulary))


def _compact(values: list[Any]) -> str:
    return repr(values).replace(", ", ",")
