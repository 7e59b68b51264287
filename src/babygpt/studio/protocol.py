"""What a screen is told: the views, each whole in itself, and what each of their fields holds.

`make protocol` writes their TypeScript, comments and all; mypy holds those who make them to it, and the tests what is
sent. What a screen may ask is in :mod:`babygpt.studio.commands`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import Doc, TypedDict

from babygpt.chain.decoding import Decoding as DecodingRules
from babygpt.studio.figures import Predecessor, Trace
from babygpt.studio.links import Source, Subject
from babygpt.studio.setup import Settings as SettingsTable

# How numbers travel where there are many: as base64 of little-endian bytes.
Packed = Annotated[str, Doc("base64")]
# A dataclass as a dictionary.
Settings = Annotated[dict[str, Any], SettingsTable]
Decoding = Annotated[dict[str, Any], DecodingRules]

# How a number stands: "exact", or why it is not known. "computing": it comes later; "moving": it is not computed while
# frames pass by; "large": nor for so many states; "unknown": it does not settle.
Standing = Literal["exact", "computing", "moving", "large", "unknown"]
MixingStanding = Standing | Literal["infinite"]


# Why nothing is known of a token, or "". "moving": frames pass by; "untrained": at step 0; "turned": the weights are
# not those of training; "large": it would take too long, or too much memory.
Silence = Literal["", "moving", "untrained", "turned", "large"]


class SessionLimits(TypedDict):
    """What a session may take."""

    states: int
    steps: int
    text: int  # characters


class Setup(TypedDict):
    """What is learnt, how, and what follows from that alone. Changes with every `configure`."""

    version: int  # counts the changes of the setup; a frame with another version belongs to an earlier one
    name: str  # of the preset or the file; "" for what was typed
    text: str | None  # the sequence, or null if it is too long to be edited here
    tokens: list[int]  # the first of its tokens, at most 400
    n_tokens: int
    symbols: list[str]  # the vocabulary, raw
    labels: list[str]  # the same made visible: a blank is ␣
    separator: str  # between the symbols of a context: "" or " ", or a sign such as ", "
    breaks: int  # how many line breaks are tokens
    header: str | None  # the first line, if it seems to be no part of the text; then too they are
    lines: bool  # whether each line is a sequence of its own; then −1 stands between two among the tokens
    settings: Settings
    n_states: int
    n_arrows: int
    n_parameters: int
    n_examples: float  # or, of weighted data, what the weights add up to
    seen: Packed  # bit s (byte s >> 3, bit s & 7): whether the data goes on from state s
    n_seen: int
    ended: Packed  # likewise: whether the data ends in state s and never goes on from there
    floor: float  # nats per token: the lowest loss the data allows
    uniform: float  # ln V
    map: Annotated[list[int], 2] | None  # width and height of the map in pixels, if frames come as a map
    presets: list[str]
    limits: SessionLimits


class PointedToken(TypedDict):
    """The token pointed at, whose effect on every arrow is shown if it is known.

    The effect is the arrow as it is, less what it is when the token is another (the mean over the others) and the GPT
    is retrained.
    """

    position: int
    known: bool
    silence: Silence


class Frame(TypedDict):
    """The chain as it is shown now."""

    version: int
    step: int
    source: Source  # of many seeds, the median of each arrow
    compare: Annotated[list[Subject], 2]  # what is subtracted from what in a difference: first − second
    signed: bool  # whether values are differences: of two subjects, or the effect of a token
    token: PointedToken | None
    # (n_states × n_symbols), row by row: probabilities; if signed −1 … 1; null where nothing is known.
    # null as a whole where there is a map instead.
    values: list[float | None] | None
    # For more than 256 states: two bytes a pixel, row by row from the top: token, strength 0 … 255.
    # Token 255: never seen. If signed the first byte is 0 for less and 1 for more of the second token than the
    # other has (two symbols), or 2 for a distance (more symbols).
    map: Packed | None
    pi: list[float] | None  # the share of each state in the long run; null beside a map, or where it is not known (yet)
    turned: bool  # the weights are not those of training: a knob is turned


class Numbers(TypedDict):
    """What the shown chain amounts to, in nats per token."""

    loss: float | None  # null: infinite, since something that occurs in the data is ruled out
    gap: float | None  # loss − floor, infinite with it
    entropy_rate: float | None  # null: not known, and `long_run` says why
    long_run: Standing  # whether the entropy rate, and the share of each state in the long run, are known
    mixing_time: float | None  # tokens; null: infinite or not known
    mixing: MixingStanding


class Curve(TypedDict):
    """The losses of the training so far."""

    steps: list[int]  # at most 600 points
    losses: list[float]
    recorded: list[int] | None  # the steps that can be shown, where not all can


class Player(TypedDict):
    """Where the training is, and where the playhead."""

    step: int  # the playhead
    trained: int  # steps done
    total: int  # steps asked for
    training: bool
    playing: bool
    speed: float | None  # steps per second; null: as fast as training goes
    stopped: Literal["", "gap", "diverged"]  # why training ended before its steps
    undo: int  # how many changes of text or settings can be taken back


class Attention(TypedDict):
    """What each position reads of which, on the way to the next token."""

    step: int
    weights: list[list[list[list[float]]]]  # (layer, head, reading, read)


class Selected(TypedDict):
    """The selected state, model beside data. null: none is selected."""

    state: int
    tokens: list[int]  # its context, oldest first
    model: list[float]  # (V) probabilities under the decoding in force
    data: list[float]  # (V) counts
    n: float  # how often it occurs in the data
    pi: float | None  # its share in the long run; null: `long_run` among the numbers says why
    successors: list[int]  # (V) states
    predecessors: list[Predecessor]
    attention: Attention | None
    layers: list[list[float]] | None  # (n_layer + 1, V): what it would predict if it stopped after 0, 1, … layers


# "from" is a word of Python's
_From = TypedDict("_From", {"from": Annotated[int | None, Doc("where it came from, by `token`")]})


class Tape(_From):
    """The tape of sampled tokens and where the ball is."""

    tokens: list[int]  # the last ones drawn, newest last, at most 64; the first n_context are the start
    fresh: int  # counts the tokens drawn since the tape was begun
    state: int  # where the ball is
    token: int | None
    p: float | None  # how likely that was
    wandering: bool


class TensorShape(TypedDict):
    """A tensor of the GPT."""

    name: str
    shape: list[int]


class Knobs(TypedDict):
    """What is turned of the weights."""

    position: float  # 0: initial weights, 1: trained; 1 when untouched
    reach: Annotated[list[float], 2]  # from where to where the position goes
    tensors: list[TensorShape]
    tensor: str | None  # the one shown
    values: Packed | None  # float32, row by row
    place: int | None  # flat place of the number held, in the tensor shown
    value: float | None  # its value in training
    by: float  # what is added to it
    ready: bool  # whether there is a trained GPT to turn


class Pinned(TypedDict):
    """A chain that was kept."""

    step: int
    seed: int
    context_length: int
    fits: bool  # whether it can be compared with the one shown
    ready: bool  # whether it is there; else it is trained again


class Pins(TypedDict):
    """The chains that were kept, by slot."""

    A: Pinned | None
    B: Pinned | None


class StateOfSeeds(TypedDict):
    """The arrows of the selected state over many seeds, by token, of at most 64."""

    tokens: list[int]
    likeliest: list[float]  # share of the seeds that find this token likeliest
    low: list[float]
    median: list[float]
    high: list[float]
    below: list[float] | None  # share of the other seeds whose arrow is weaker than this seed's
    before: list[float]  # (V) medians of the arrows that lead here, in the order of the selected state's predecessors
    histogram: list[list[int]]  # how many seeds lie in each twentieth from 0 to 1


class Seeds(TypedDict):
    """What many seeds give at the step shown, as far as they are trained; null: they are not shown."""

    asked: int  # how many there will be
    n: int  # how many have come so far, at this step
    lost: int  # how many more did not stay finite
    step: int  # whose chains these are: the step shown, or the last one before that is kept
    low: list[float | None] | None  # of each arrow the 5 % quantile; null beside a map, or where nothing is known
    high: list[float | None] | None  # 95 %
    selected: StateOfSeeds | None


class Rows(TypedDict):
    """A window of rows for the table of a large chain."""

    first: int
    values: list[list[float | None]]  # (rows, V), as in a frame
    counts: list[list[float]]  # (rows, V) in the data


class Short(TypedDict):
    """What follows the contexts shorter than K, which a text begins with. null: nobody asked, see the command."""

    n: int  # how many there are: V + V² + … + V^(K − 1)
    # (n × V), row by row, one token before two and so on: probabilities under the decoding in force; null as a whole
    # for more than 256 contexts.
    values: list[float] | None


class Code(TypedDict):
    """The session as scripts. null: nobody asked, see the command; it may hold the whole text."""

    python: str
    command: str


class Notice(TypedDict):
    """Why something was not done, or what else there is to know."""

    id: int
    code: str  # of a text in the language of the screen; "library": `text` says it
    field: str | None  # the setting that is meant
    values: dict[str, str | float]
    text: str  # in English


class Views(TypedDict):
    """All views by name. Each is sent whole when it has changed, never a change to an earlier one."""

    setup: Setup
    frame: Frame
    numbers: Numbers
    curve: Curve
    trace: Trace | None
    player: Player
    selected: Selected | None
    tape: Tape
    decoding: Decoding
    knobs: Knobs
    pins: Pins
    seeds: Seeds | None
    rows: Rows | None
    short: Short | None
    link: dict[str, str]  # what the link says of the session: everything that is not as it begins
    code: Code | None
    notice: Notice | None
