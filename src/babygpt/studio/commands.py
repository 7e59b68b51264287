"""What a screen may ask: each command, what its parts must be, and what it means.

A command is declared here and handled by the method of :class:`~babygpt.studio.session.Session` that takes it;
`make protocol` writes its TypeScript. On the wire it is an object: `{"command": "seek", "step": 3}`.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, ClassVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from babygpt.chain.decoding import Decoding
from babygpt.studio.limits import RefusedError
from babygpt.studio.links import PLAIN, Slot, Source, Subject
from babygpt.studio.setup import Settings
from babygpt.studio.tidying import Part

# No number that means anything is larger.
LARGEST = 10**30


def _with_bytes(text: str) -> str:
    text.encode()  # raises a ValueError, which pydantic reports
    return text


# The kinds of parts; each description ends the sentence that refuses another kind. A text is one that has a UTF-8 form:
# half a surrogate pair is none. A number is finite, and true is none.
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST, description="a whole number")]
WholeOrNone = Annotated[Whole | None, Field(description="a whole number or null")]
Number = Annotated[float, Field(description="a number")]
NumberOrNone = Annotated[float | None, Field(description="a number or null")]
Truth = Annotated[bool, Field(description="true or false")]
_Str = Annotated[str, AfterValidator(_with_bytes)]
Text = Annotated[_Str, Field(description="a text")]
Link = Annotated[dict[_Str, _Str], Field(description="an object of texts")]
SourceName = Annotated[Source, Field(description=f"one of {', '.join(get_args(Source))}")]
PartName = Annotated[Part, Field(description=f"one of {', '.join(get_args(Part))}")]
SlotName = Annotated[Slot, Field(description="A or B")]
# JSON has lists for tuples, hence strict=False; what is in it is as strict as ever
Pair = Annotated[tuple[Subject, Subject], Field(strict=False, description="two of model, seeds, data, A, B")]
# Something of which a setting can say what is wrong.
Plain = Annotated[bool | Whole | float | _Str | None, Field(description="a number, a text, true, false or null")]


class Command(BaseModel):
    """A command without parts; the name on the wire is that of the class, in small letters."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    settings_of: ClassVar[type | None] = None  # whose fields are further parts, each of which may be left out

    @property
    def settings(self) -> dict[str, Any]:
        """The parts that are settings, those given; of what kind each must be, the settings themselves say."""
        return dict(self.model_extra or {})

    @classmethod
    def parts(cls) -> tuple[str, ...]:
        """Return the names of its parts."""
        settings = () if cls.settings_of is None else fields(cls.settings_of)
        needed_first = sorted(cls.model_fields, key=lambda name: not cls.model_fields[name].is_required())
        return (*needed_first, *(field.name for field in settings))


class PlaceCommand(Command):
    """A command that speaks of a place in a setup: of one that is no more it asks nothing."""

    version: WholeOrNone = None  # of the setup that is meant; null: whichever there is


class StateCommand(PlaceCommand):
    """A place command that speaks of states or tokens: any setup that has the same ones is as good."""


class SettingsCommand(Command):
    """A command some of whose parts are settings."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Plain] = Field(init=False)


# -- what is learnt ----------------------------------------------------------------------------------------


class Open(Command):
    """Make the session as a link says."""

    link: Link


class Configure(SettingsCommand):
    """Learn another text, or the same with other settings; what is left out stays."""

    settings_of = Settings
    sequence: Text = ""
    name: Text = ""


class File(Command):
    """Learn a file's text, with settings that suit it if asked, or go on where a page is; its bytes as base64."""

    name: Text
    data: Text
    encoding: Text = ""  # the one it is in, by Python's name; "": found out
    suits: Truth = False


class Fit(Command):
    """Learn a text with settings that suit it."""

    text: Text


class Tidy(Command):
    """Leave out of the text what is there for the eye alone."""

    part: PartName


class Preset(Command):
    """Learn an example."""

    name: Text


class Undo(Command):
    """Take back the last change of text or settings: what was learnt before is trained again."""


class Train(Command):
    """Train up to the steps in the settings, and play."""


class More(Command):
    """Train so many steps more than there are."""

    steps: Whole


class Stop(Command):
    """End the training."""


# -- which step is shown -----------------------------------------------------------------------------------


class Pause(Command):
    """Stop the playhead; training under way goes on."""


class Play(Command):
    """Let the playhead go on, from the start if it is at the end."""


class Step(Command):
    """Go one recorded step on; train one if there is none."""


class Rewind(Command):
    """Go to the initial weights."""


class Seek(Command):
    """Go to the nearest recorded step."""

    step: Number


class Skip(Command):
    """Go that many recorded steps on, or back."""

    by: Whole


class Speed(Command):
    """Play so many steps a second; null: as fast as training goes."""

    speed: NumberOrNone


# -- what is shown of it -----------------------------------------------------------------------------------


class Show(Command):
    """Show the arrows of another source; of a difference: of what."""

    source: SourceName
    compare: Pair = PLAIN


class Seeds(Command):
    """Say how many seeds are many."""

    n: Whole


class Attribute(PlaceCommand):
    """Point at a token of the sequence, or at none."""

    position: WholeOrNone


class Select(StateCommand):
    """Look at a state beside the chain, or at none."""

    state: WholeOrNone


class Decode(SettingsCommand):
    """Decode otherwise; what is left out stays."""

    settings_of = Decoding


class Pin(Command):
    """Keep the chain shown, to compare with."""

    slot: SlotName


class Unpin(Command):
    """Keep it no more."""

    slot: SlotName


class Rows(StateCommand):
    """Show the table's window from a row on; null: no table is shown."""

    first: WholeOrNone


class Code(Command):
    """Say whether a panel shows the scripts: only then do they travel."""

    on: Truth


class Short(Command):
    """Say whether the contexts shorter than K are shown: only then do they travel."""

    on: Truth


class Dismiss(Command):
    """Take the notice away."""


# -- the ball ----------------------------------------------------------------------------------------------


class Walk(StateCommand):
    """Let the ball take the arrow of a token."""

    token: Whole


class Place(StateCommand):
    """Put the ball in a state."""

    state: Whole


class Wander(Command):
    """Let the ball move by itself, or not."""

    on: Truth


# -- knobs -------------------------------------------------------------------------------------------------


class Turn(Command):
    """Go from the initial weights (0) to the trained (1) and beyond."""

    position: Number


class Tensor(PlaceCommand):
    """Show a tensor."""

    name: Text


class Nudge(PlaceCommand):
    """Add to one number of the tensor shown."""

    place: Whole
    by: Number


class Release(Command):
    """Put all knobs as training left them."""


COMMANDS: dict[str, type[Command]] = {
    kind.__name__.lower(): kind
    for base in (Command, SettingsCommand, PlaceCommand, StateCommand)
    for kind in base.__subclasses__()
    if kind not in (SettingsCommand, PlaceCommand, StateCommand)
}


def parse(command: object) -> Command:
    """Return the command that an object is.

    Raises
    ------
    RefusedError
        It is none, or lacks a part, or has one too many or of the wrong kind.
    """
    name = command.get("command") if isinstance(command, dict) else None
    if not isinstance(command, dict) or not isinstance(name, str) or name not in COMMANDS:
        got = f"There is no command {name!r:.40}." if isinstance(name, str) else "That is no command."
        raise RefusedError(f"{got} There are: {', '.join(COMMANDS)}.", "command")
    kind = COMMANDS[name]
    parts = {key: value for key, value in command.items() if key != "command"}
    known = kind.parts()
    for part in parts:
        if part not in known:
            has = f"Its parts: {', '.join(known)}." if known else "It has no parts."
            raise RefusedError(f"The command {name!r} has no part {part!r:.40}. {has}", "command")
    try:
        return kind.model_validate(parts)
    except ValidationError as error:
        part = str(error.errors(include_url=False)[0]["loc"][0])
    field = kind.model_fields.get(part)
    wanted = "a number, a text, true, false or null" if field is None else field.description
    got = f"it got {_shown(parts[part])}" if part in parts else "it is missing"
    raise RefusedError(f"The part {part!r} of the command {name!r} is {wanted}; {got}.", "command")


def _shown(value: object) -> str:
    """Return the beginning of a value as it is written; of a number too long to write, that it is one."""
    try:
        return re.sub(r"(?s)(.{40}).+", r"\1…", repr(value))
    except ValueError:
        return "a number far too large"
