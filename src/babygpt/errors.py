"""Everything that can go wrong, as one tree.

::

    BabyGPTError
    ├── InputError (also a ValueError)   what was given cannot be used
    │   ├── SequenceError                the training text
    │   ├── VocabularyError              the symbols
    │   ├── ContextError (also KeyError) a context or prompt
    │   ├── SettingError                 a number or name among the settings
    │   ├── SizeError                    more states, or a larger training, than fit
    │   ├── ModelError                   what a model answers is no logits, or changes
    │   └── InputDeviceError             a device that is not finite
    ├── FileError                        a file that cannot be read or written
    │   ├── EncodingError                a file that is not text in the encoding it is read as
    │   └── RunError                     a run folder: missing, taken, damaged, newer
    ├── DivergedError                    the loss is no longer a number
    ├── ConvergenceError                 an iteration did not settle
    ├── SweepError                       the workers of a sweep cannot go on
    └── MissingPackageError (also an ImportError)  a package that an extra of this one brings

    MissingGlyphWarning (a UserWarning)  no font has a sign that a picture shows

A message says four things in a sentence or two: what was asked, what was got, what the limit is, and
what to try next. The command line prints it and exits with 2.
"""

from __future__ import annotations

import re


class BabyGPTError(Exception):
    """Any error that BabyGPT raises on purpose."""


class InputError(BabyGPTError, ValueError):
    """What was given cannot be used.

    The message is one line, even where it shows what was given and that takes several.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(re.sub(r"\s*\n\s*", " ", message))


class SequenceError(InputError):
    """The training text is empty, too short, unreadable, or says only one thing."""


class VocabularyError(InputError):
    """Symbols are missing, repeated or unknown."""


class ContextError(InputError, KeyError):
    """A context or a prompt is not one that the chain can be in."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class SettingError(InputError):
    """A setting is out of range, of the wrong kind, or unknown.

    Attributes
    ----------
    field
        The setting's name, where one is meant.
    value
        What it was given.
    advice
        A number that would do, where there is one.
    """

    def __init__(
        self, message: str = "", field: str | None = None, value: object = None, advice: int | None = None
    ) -> None:
        super().__init__(message)
        self.field, self.value, self.advice = field, value, advice


class SizeError(InputError):
    """The chain would have more states than fit, or the training take more memory or time than there is."""


class ModelError(InputError):
    """A model does not answer as a Markov chain can: it fails, its answers are no logits, or they change."""


class InputDeviceError(InputError):
    """A device is not finite, or says what the GPT cannot read."""


class FileError(BabyGPTError):
    """A file cannot be read or written."""


class EncodingError(FileError):
    """A file is not text in the encoding that it is read as.

    Attributes
    ----------
    likely
        The encoding that it is likely in, or None if there is none.
    """

    def __init__(self, message: str, likely: str | None = None) -> None:
        super().__init__(message)
        self.likely = likely


class RunError(FileError):
    """A run folder is missing, already there, damaged, or written by a newer version."""


class DivergedError(BabyGPTError):
    """The loss stopped being a finite number; the last good state is kept."""


class ConvergenceError(BabyGPTError):
    """An iteration stopped before it reached its tolerance; the message states the residual."""


class SweepError(BabyGPTError):
    """The workers of a sweep cannot go on; the results so far are kept."""


class MissingPackageError(BabyGPTError, ImportError):
    """A package that is not installed, and comes with one of the extras of this one."""


class MissingGlyphWarning(UserWarning):
    """A picture shows boxes, since no installed font has some of its characters; the message says what to install."""
