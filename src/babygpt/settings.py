"""Every setting of a training, once: its name, kind, default, range, option and help.

:class:`babygpt.GPTConfig`, :class:`babygpt.TrainConfig`, the command line's options, its words for the library's
errors, sweeps, links, scripts and the studio's form are made from this table. Functions with keywords of their own,
:func:`babygpt.train` and its like, are held to it by a test.

A setting that is added here is added where it is used: to the configuration that brings it, and to those functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

# Which predictions are trained: the token after each whole context, or after each of its prefixes too.
Positions = Literal["last", "all"]
# How a text is read.
TokenKind = Literal["chars", "words"]


@dataclass(frozen=True)
class Setting:
    """What is known of a setting.

    Attributes
    ----------
    name
        As the library and the files have it.
    kind
        Of its values: int, float, bool or str.
    default
        The article's value. None is a value only of a setting whose default it is.
    help
        What it does, as the command line says it.
    option
        Its name on the command line, without the dashes; by default ``name`` with dashes for underscores.
    least
        The least value of a number; a rate without one is above 0.
    choices
        The values there are, where they are names.
    unsaid
        What is done where its value is None.
    metavar
        What stands for its value in the command line's help.
    """

    name: str
    kind: type
    default: Any
    help: str
    option: str = ""
    least: int | None = None
    choices: tuple[str, ...] = ()
    unsaid: str | None = None
    metavar: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "option", self.option or self.name.replace("_", "-"))


# Whose setting it is: the GPT's shape, its training, how a text is read, and how the screen trains.
SHAPE = (
    Setting("context_length", int, 3, "Tokens of context, K.", "context", least=1),
    Setting("n_layer", int, 4, "Transformer blocks.", "layers", least=1),
    Setting("n_head", int, 4, "Attention heads in each block.", "heads", least=1),
    Setting("n_embd", int, 16, "Numbers per token, divisible by the heads.", "width", least=1),
    Setting("bias", bool, False, "Give the linear maps a bias."),
)
TRAINING = (
    Setting("steps", int, 50, "Training steps (updates) in all.", least=1),
    Setting("seed", int, 1337, "Draws the first weights (and the batches).", least=0),
    Setting("learning_rate", float, 1e-3, "AdamW's learning rate."),
    Setting("weight_decay", float, 0.1, "AdamW's weight decay.", least=0),
    Setting(
        "positions", str, "last", "Train the token after each whole context, or after each of its prefixes too.",
        choices=get_args(Positions),
    ),
    Setting("batch_size", int, None, "Examples drawn for each step.", least=1, unsaid="all, every step"),
    Setting("device", str, "cpu", "cpu, cuda, cuda:1, mps."),
)  # fmt: skip
READING = (
    Setting("tokens", str, "chars", "Read characters or words.", choices=get_args(TokenKind)),
    Setting("vocabulary", str, None, "The symbols, such as 01.", unsaid="those that occur"),
    Setting(
        "separator", str, None, "Read names with this between them, such as a comma.",
        unsaid="white space", metavar="SIGN",
    ),
    Setting("lines", bool, None, "Read each line as a sequence of its own.", unsaid="if of words"),
)  # fmt: skip
SCREEN = (Setting("stop_gap", float, None, "Stop this close to the floor.", least=0, unsaid="never"),)

SETTINGS = {setting.name: setting for setting in (*SHAPE, *TRAINING, *READING, *SCREEN)}


def default(name: str) -> Any:
    """Return the default of a setting, the article's value, for a field or a parameter of that name."""
    return SETTINGS[name].default
