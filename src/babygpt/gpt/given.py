"""What is given to learn from: a text, a file, tokens, names, a corpus or a source, told apart in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from babygpt.errors import FileError, SequenceError, SettingError, VocabularyError
from babygpt.gpt.checks import check_choice, check_count
from babygpt.gpt.corpus import Corpus, HasContexts
from babygpt.gpt.paths import looks_like_path, names_a_file
from babygpt.gpt.reading import Reading
from babygpt.gpt.sequences import vocabulary_of
from babygpt.gpt.texts import file_pieces
from babygpt.gpt.vocabulary import Vocabulary, listed
from babygpt.settings import TokenKind, default

# What may be trained on: see corpus_of.
Given = str | Path | Iterable[int] | Iterable[str] | Corpus | Reading | HasContexts


class Unsaid(int):
    """A default that can be told from the same number given."""


# The context length unless someone says otherwise; what has its own, a corpus, then keeps it.
CONTEXT_LENGTH = Unsaid(default("context_length"))


def corpus_of(
    given: object,
    context_length: int = CONTEXT_LENGTH,
    vocabulary: Vocabulary | Sequence[str] | None = None,
    tokens: TokenKind = "chars",
) -> Corpus:
    """Return the corpus of what is given to learn from.

    Parameters
    ----------
    given
        - A text. One that looks like a file's name is refused: see :func:`babygpt.gpt.paths.looks_like_path`.
        - A :class:`~pathlib.Path`: the file there.
        - Tokens: a list, an array, a tensor, a range or a generator of whole numbers, 0 … V − 1. Without a vocabulary
          their names are "0" … "V − 1".
        - Names: a flat list of texts is **one** sequence of names. Many sequences are ``Corpus.from_sequences([…])``.
        - A :class:`~babygpt.Corpus`, as it is; a :class:`~babygpt.gpt.reading.Reading` of a text.
        - A source (:mod:`babygpt.lab.sources`): all it ever says, :meth:`babygpt.Corpus.from_source`.
    context_length, vocabulary, tokens
        As for :meth:`babygpt.Corpus.from_text`. A corpus brings its own of each, a source its own vocabulary.

    Raises
    ------
    InputError
        It is none of these, or is at odds with a setting.
    FileError
        There is no such file, or a text is the name of a file.

    >>> corpus_of(["rain", "sun", "rain"], 1).counts.tolist(), corpus_of(range(3), 1).vocabulary.symbols
    ([[0, 1], [1, 0]], ('0', '1', '2'))
    """
    if isinstance(given, Corpus):
        if not isinstance(context_length, Unsaid) and context_length != given.context_length:
            raise SettingError(
                f"context_length={context_length} was asked for, and the corpus has context_length="
                f"{given.context_length}. Leave it out, or count the data again."
            )
        _check_own(given.vocabulary, "corpus", vocabulary, tokens)
        return given
    check_count("context_length", context_length)
    if isinstance(given, Reading):
        _check_own(given.vocabulary, "reading", vocabulary, tokens)
        return given.corpus(context_length)
    if hasattr(given, "context_distribution"):
        _check_own(given.vocabulary, "source", vocabulary, tokens)  # type: ignore[attr-defined]  # as sources have
        return Corpus.from_source(given, context_length)  # type: ignore[arg-type]
    if isinstance(given, Path):
        return Corpus.from_file(given, context_length, vocabulary, tokens)
    if isinstance(given, str):
        return Corpus.from_text(checked_text(given), context_length, vocabulary, tokens)
    ids, symbols = _tokens_of(given, vocabulary, tokens)
    return Corpus.from_tokens(ids, context_length, symbols)


def sequence_of(
    given: object, vocabulary: Vocabulary | Sequence[str] | None = None, tokens: TokenKind = "chars"
) -> tuple[NDArray[np.int64], Vocabulary]:
    """Return the tokens (L,) of what is given to learn from, and its vocabulary.

    It is anything that :func:`corpus_of` takes but a corpus or a source, which have no order. Between two sequences of
    a reading is a :data:`~babygpt.gpt.reading.BORDER`.

    Raises
    ------
    InputError, FileError
        As for :func:`corpus_of`.
    """
    if isinstance(given, Reading):
        _check_own(given.vocabulary, "reading", vocabulary, tokens)
        return given.tokens(), given.vocabulary
    if isinstance(given, Corpus) or hasattr(given, "context_distribution"):
        raise SequenceError(
            f"Here a sequence is needed, in its order; a {type(given).__name__} has none. Give the text or its tokens."
        )
    if isinstance(given, (str, Path)):
        text = "".join(file_pieces(given)) if isinstance(given, Path) else checked_text(given)
        symbols = Corpus.from_text(text, 1, vocabulary, tokens).vocabulary
        return symbols.encode(text), symbols
    return _tokens_of(given, vocabulary, tokens)


def checked_text(text: str) -> str:
    """Return a text, or raise :class:`FileError` if it is, or looks like, the name of a file."""
    if names_a_file(text):
        raise FileError(
            f"There is a file {text}. To learn from what is in it give Path({text!r}); to learn from these very "
            f"characters, Corpus.from_text({text!r})."
        )
    if looks_like_path(text):
        raise FileError(
            f"There is no file {text}. Check the name, and give Path(…) to learn from a file; to learn from these very "
            f"characters, Corpus.from_text({text!r:.60})."
        )
    return text


def _tokens_of(
    given: object, vocabulary: Vocabulary | Sequence[str] | None, tokens: TokenKind
) -> tuple[NDArray[np.int64], Vocabulary]:
    """Return the tokens of a list of names or of tokens."""
    check_choice("tokens", tokens, get_args(TokenKind))
    try:
        sequence = listed(given)
    except VocabularyError:
        raise _not_given(given) from None
    if isinstance(sequence, list):
        if 1 < len(sequence) == len(set(sequence)) and all(len(name.split()) > 1 for name in sequence):
            raise SequenceError(
                f"A list of texts is one sequence of names, and these {len(sequence):,} are of several words each, no "
                "two alike. If they are sequences of their own use Corpus.from_sequences(texts, context_length, "
                "tokens='words'); if they are names, Corpus.from_sequences([names], context_length)."
            )
        symbols = vocabulary_of(lambda: [sequence], tokens) if vocabulary is None else Vocabulary.of(vocabulary, tokens)
        return symbols.tokens_of(sequence), symbols
    if sequence.dtype.kind not in "iu" or sequence.ndim != 1:
        if not sequence.size and sequence.ndim == 1:
            raise SequenceError("The sequence is empty. Give some text to learn from, such as 111101111011110.")
        raise _not_given(given)
    symbols = vocabulary_of(lambda: [sequence], tokens) if vocabulary is None else Vocabulary.of(vocabulary, tokens)
    return symbols.encode(sequence), symbols


def _not_given(given: object) -> SequenceError:
    what = type(given).__name__
    if hasattr(given, "dtype"):
        what = f"{what} of {given.dtype}"
    elif isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray, set, frozenset, dict)):
        nested = isinstance(given, Sequence) and any(isinstance(x, (list, tuple)) for x in given)
        what = f"{what} of {'sequences' if nested else 'other things'}"
    return SequenceError(
        "The training sequence must be a text, a Path, a flat list of names or of whole numbers, a Corpus or a "
        f"source, not a {what}. For many sequences use Corpus.from_sequences([…], context_length)."
    )


def _check_own(own: Vocabulary, what: str, vocabulary: Vocabulary | Sequence[str] | None, tokens: TokenKind) -> None:
    """Raise :class:`SettingError` if a vocabulary is asked for that is not the one that ``what`` brings."""
    asked = own.symbols if vocabulary is None else Vocabulary.of(vocabulary, tokens).symbols
    if asked != own.symbols or (tokens != "chars" and own.tokens != tokens):
        raise SettingError(
            f"The {what} has its own vocabulary of {len(own)} symbols, read as {own.tokens}. Leave vocabulary "
            "and tokens out."
        )
