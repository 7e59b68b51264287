"""What a screen is told: the views, each whole in itself, with a revision that grows when it changes.

:mod:`babygpt.studio.protocol` says what each view holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from babygpt.lens.inside import look_inside
from babygpt.studio import protocol, scripts
from babygpt.studio.figures import (
    MAX_VALUES,
    Trace,
    context_of,
    curve,
    data_counts,
    ended_bits,
    finite,
    map_size,
    neighbours,
    nested,
    numbers,
    pixels,
    seen_bits,
    trace,
)
from babygpt.studio.pins import Pin
from babygpt.studio.presets import PRESETS
from babygpt.studio.stage import Stage
from babygpt.studio.tidying import header

View = Mapping[str, object]

MAX_TEXT = 4000  # characters that are edited on the screen
MAX_TOKENS = 400  # tokens drawn one by one
MAX_ROWS, MAX_CELLS = 200, 20_000  # of a table's window
MAX_RECORDED = 600  # steps that a timeline marks
MAX_ATTENTION = 2**14  # weights of attention that travel


class Views:
    """Makes the views of a stage, each only when it has changed and someone asks."""

    def __init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self._revisions: dict[str, int] = {}
        self._made: dict[str, View | None] = {}

    def changed(
        self, stage: Stage, notice: View | None, known: Mapping[str, int]
    ) -> tuple[dict[str, View | None], dict[str, int]]:
        """Return the views whose revision is not the ``known`` one, and the revisions of all."""
        views = {}
        for name, (key, make) in _VIEWS.items():
            now = key(stage)
            self._see(name, now)
            if known.get(name) != self._revisions[name]:
                if name not in self._made:
                    self._made[name] = make(stage)
                views[name] = self._made[name]
        self._see("notice", notice)
        if known.get("notice") != self._revisions["notice"]:
            views["notice"] = notice
        return views, dict(self._revisions)

    def _see(self, name: str, key: Any) -> None:
        if name not in self._keys or self._keys[name] != key:
            self._keys[name] = key
            self._revisions[name] = self._revisions.get(name, 0) + 1
            self._made.pop(name, None)


# -- what is learnt ----------------------------------------------------------------------------------------


def _setup(stage: Stage) -> protocol.Setup:
    setup, limits = stage.setup, stage.limits
    corpus, config, vocabulary = setup.corpus, setup.config, setup.corpus.vocabulary
    V, K = config.vocab_size, config.block_size
    broken = "\n" in vocabulary.symbols
    return {
        "version": stage.version,
        "name": setup.name,
        "text": setup.text if len(setup.text) <= MAX_TEXT else None,
        "tokens": setup.tokens[:MAX_TOKENS].tolist(),
        "n_tokens": stage.n_tokens,
        "symbols": list(vocabulary.symbols),
        "labels": [vocabulary.label([token]) for token in range(V)],
        "separator": vocabulary.separator,
        "lines": not setup.reading.joined,
        "breaks": setup.text.count("\n") if broken else 0,
        "header": header(setup.text) if broken else None,
        "settings": asdict(setup.settings),
        "n_states": setup.n_states,
        "n_arrows": setup.n_states * V,
        "n_parameters": config.n_parameters,
        "n_examples": corpus.n_examples,
        "seen": seen_bits(corpus, setup.n_states),
        "n_seen": len(corpus.states),
        "ended": ended_bits(corpus, setup.n_states),
        "floor": stage.playback.floor,
        "uniform": math.log(V),
        "map": list(map_size(V, K)) if setup.n_states > MAX_VALUES else None,
        "presets": list(PRESETS),
        "limits": {"states": limits.states, "steps": limits.steps, "text": limits.text},
    }


def _curve(stage: Stage) -> protocol.Curve:
    playback, losses = stage.playback, stage.playback.training.losses
    if not stage.training and stage.setup.settings.batch_size is None:
        losses = [*losses, stage.expected.loss(playback.chain(playback.trained))]
    steps, losses = curve(losses)
    recorded = playback.recorded
    gaps = len(recorded) < playback.trained and len(recorded) <= MAX_RECORDED
    return {"steps": steps, "losses": losses, "recorded": list(recorded) if gaps else None}


def _trace_key(stage: Stage) -> Any:
    if stage.selected is None or stage.setup.n_states > MAX_VALUES or stage.training:
        return None
    return stage.version, stage.selected, len(stage.playback.recorded), stage.playback.trained


def _trace(stage: Stage) -> Trace | None:
    if stage.selected is None or _trace_key(stage) is None:
        return None
    return trace(stage.playback.chain, stage.playback.recorded, stage.selected)


def _playhead(stage: Stage) -> protocol.Player:
    playhead, playback = stage.playhead, stage.playback
    return {
        "step": playhead.step, "trained": playback.trained, "total": playback.total, "training": stage.training,
        "playing": playhead.playing, "speed": playhead.speed, "stopped": playback.stopped, "undo": len(stage.past),
    }  # fmt: skip


# -- what is shown of it -----------------------------------------------------------------------------------


def _frame_key(stage: Stage) -> Any:
    pins = tuple(stage.pins[subject] for subject in stage.compare if subject in stage.pins)
    known = stage.setup.n_states > MAX_VALUES or stage.shown.known[0]  # no map shows the long run
    return stage.moment, stage.source, stage.compare, pins, stage.passing, _token(stage), _known_seeds(stage), known


def _token(stage: Stage) -> protocol.PointedToken | None:
    position, effects = stage.retraining.pointed, stage.retraining.effects
    if position is None:
        return None
    return {"position": position, "known": effects is not None, "silence": stage.retraining.unavailable_reason}


def _known_seeds(stage: Stage) -> Any:
    return stage.retraining.seeds.known(stage.playhead.step) if stage.retraining.shows_seeds else None


def _frame(stage: Stage) -> protocol.Frame:
    config, values = stage.setup.config, stage.values()
    many = len(values) > MAX_VALUES
    pi = None if many else stage.shown.long_run(stage.passing)
    return {
        "version": stage.version,
        "step": stage.playhead.step,
        "source": stage.source,
        "compare": list(stage.compare),
        "signed": stage.signed,
        "token": _token(stage),
        "values": None if many else numbers(values),
        "map": pixels(values, config.vocab_size, config.block_size, stage.signed) if many else None,
        "pi": None if pi is None else nested(pi),
        "turned": stage.knobs.turned,
    }


def _selected_key(stage: Stage) -> Any:
    if stage.selected is None:
        return None
    return stage.selected, stage.moment, stage.passing, stage.shown.known[0]


def _selected(stage: Stage) -> protocol.Selected | None:
    state = stage.selected
    if state is None:
        return None
    config, chain = stage.setup.config, stage.shown.chain
    V, K = config.vocab_size, config.block_size
    counts, tokens = data_counts(stage.setup.corpus, state, state + 1)[0], context_of(state, V, K)
    pi = stage.shown.long_run(stage.passing)
    after, before = neighbours(chain, state)
    attention: protocol.Attention | None = None
    layers = None
    if config.n_layer * config.n_head * K * K <= MAX_ATTENTION and not stage.passing:
        step, weights = stage.weights
        inside = look_inside(stage.playback.gpt(weights), tokens)
        layers, read = nested(inside.probs), nested(inside.attention.round(4))
        attention = None if read is None else {"step": step, "weights": read}
    return {
        "state": state, "tokens": tokens, "model": chain.probs[state].tolist(), "data": counts.tolist(),
        "n": counts.sum().item(), "pi": None if pi is None else finite(float(pi[state])), "successors": after,
        "predecessors": before, "attention": attention, "layers": layers,
    }  # fmt: skip


def _seeds_key(stage: Stage) -> Any:
    shown = stage.moment, stage.selected, stage.passing
    return stage.retraining.shows_seeds and (_known_seeds(stage), stage.retraining.n_seeds, *shown)


def _seeds(stage: Stage) -> protocol.Seeds | None:
    if not stage.retraining.shows_seeds:
        return None
    retraining, state, band = stage.retraining, stage.selected, stage.retraining.band
    low, high = band.edges if band is not None and stage.setup.n_states <= MAX_VALUES else (None, None)
    step, n_known = retraining.seeds.known(stage.playhead.step)
    n = 0 if band is None else len(band)
    selected = None
    if band is not None and state is not None:
        # of a turned GPT, or of another step than theirs, there is nothing to be found among them
        alike = band.step == stage.playhead.step and not stage.knobs.turned
        own = stage.shown.chain.probs[state] if alike else None
        selected = band.of_state(state, own, stage.setup.settings.seed)
    return {
        "asked": retraining.n_seeds,
        "n": n,
        "lost": n_known - n,
        "step": step if band is None else band.step,
        "low": None if low is None else numbers(low),
        "high": None if high is None else numbers(high),
        "selected": selected,
    }


def _rows(stage: Stage) -> protocol.Rows | None:
    if stage.window is None:
        return None
    N, V = stage.setup.n_states, stage.setup.config.vocab_size
    first = min(max(stage.window, 0), N - 1)
    stop = min(first + max(1, min(MAX_ROWS, MAX_CELLS // V)), N)
    return {
        "first": first,
        "values": [numbers(row) for row in stage.values()[first:stop]],
        "counts": data_counts(stage.setup.corpus, first, stop).tolist(),
    }


def _short(stage: Stage) -> protocol.Short | None:
    if not stage.shows_short:
        return None
    log_probs = stage.shown.chain.short_log_probs
    if log_probs is None:  # K is 1
        return {"n": 0, "values": []}
    n = len(log_probs)
    return {"n": n, "values": np.exp(log_probs).ravel().tolist() if n <= MAX_VALUES else None}


def _pins(stage: Stage) -> protocol.Pins:
    def view(pin: Pin | None) -> protocol.Pinned | None:
        if pin is None:
            return None
        settings = pin.origin.setup.settings
        return {
            "step": pin.origin.step, "seed": settings.seed, "context_length": settings.context_length,
            "fits": stage.fits(pin), "ready": pin.chain is not None,
        }  # fmt: skip

    return {"A": view(stage.pins["A"]), "B": view(stage.pins["B"])}


# -- what can be taken away --------------------------------------------------------------------------------


def _scripted(stage: Stage) -> tuple[int, int]:
    """Return for how many steps a script trains, and which it looks at."""
    steps = max(stage.playback.trained if stage.playback.stopped else stage.playback.total, 1)
    return steps, min(stage.end[1], steps)


def _code(stage: Stage) -> View | None:
    if not stage.shows_code:
        return None
    setup, (steps, step), state = stage.setup, _scripted(stage), stage.selected
    if stage.source == "seeds":
        n = stage.retraining.n_seeds
        python = scripts.python_of_seeds(setup, steps, step, stage.decoding, state, n)
        return {"python": python, "command": scripts.command_of_seeds(setup, steps, step, n)}
    python = scripts.python(setup, steps, step, stage.decoding, state)
    # what else is on the screen, a script cannot say: that it is the model's chain, it can
    remark = "" if stage.source == "model" else f"# the model's chain; the screen shows: {stage.source}\n"
    return {"python": remark + python, "command": remark + scripts.command(setup, step)}


def _code_key(stage: Stage) -> Any:
    seeds = stage.source == "seeds" and stage.retraining.n_seeds
    return stage.shows_code and (stage.setup, _scripted(stage), stage.decoding, stage.selected, stage.source, seeds)


# Of each view but the notice: what it depends on, and how it is made.
_VIEWS: dict[str, tuple[Callable[[Stage], Any], Callable[[Stage], View | None]]] = {
    "setup": (lambda s: (s.version, s.setup), _setup),
    "frame": (_frame_key, _frame),
    "numbers": (lambda s: (s.moment, s.passing, s.shown.known), lambda s: s.shown.numbers(s.passing)),
    "curve": (
        lambda s: (s.version, s.playback.trained, s.training, s.playback.stopped, len(s.playback.recorded)),
        _curve,
    ),
    "trace": (_trace_key, _trace),
    "player": (_playhead, _playhead),
    "selected": (_selected_key, _selected),
    "tape": (lambda s: s.tape.view(), lambda s: s.tape.view()),
    "decoding": (lambda s: s.decoding, lambda s: asdict(s.decoding)),
    "knobs": (
        lambda s: (s.version, s.knobs.version, s.playback.trained > 0, s.knobs.shows_tensor and s.playhead.step),
        lambda s: s.knobs.view(s.playhead.step, s.playback),
    ),
    "pins": (lambda s: (*s.pins.values(), s.version), _pins),
    "seeds": (_seeds_key, _seeds),
    "rows": (lambda s: s.window if s.window is None else (s.window, _frame_key(s)), _rows),
    "short": (lambda s: s.shows_short and s.moment, _short),
    "link": (lambda s: (s.setup, s.scene, *s.pins.values()), lambda s: s.link),
    "code": (_code_key, _code),
}
