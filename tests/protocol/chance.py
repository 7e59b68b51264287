"""Conversations that chance writes: commands in any order, sound and unsound."""

from __future__ import annotations

import random

from conversations import SMALL

TEXTS = (
    "0110100110010110", "00101" * 4, "0120210122", "abcabdabc", "床前明月光疑是地上霜", "a b c a b", "11", "",
    "rain, sun, rain, sun", "one two\nthree one\ntwo one", "01\n0011\n", "x" * 30 + "y", "0", "日月\u3000日月",
    "😀😁😀😀😁",
)  # fmt: skip


def turns(seed: int, n: int = 25) -> list[dict[str, object]]:
    """Return the turns of a conversation, always the same of a seed."""
    chance = random.Random(seed)
    begin = {"send": {"command": "configure", "steps": chance.randint(1, 6), "learning_rate": 0.0005, **SMALL}}
    return [begin, *(_turn(chance) for _ in range(n))]


def _turn(chance: random.Random) -> dict[str, object]:
    if chance.random() < 0.25:
        return {"finish": True}
    if chance.random() < 0.1:
        return {"wait": chance.choice([0.1, 0.5, 2])}
    return {"send": chance.choice(COMMANDS)(chance)}


def _send(command, **parts):
    return lambda chance: {
        "command": command, **{name: part(chance) if callable(part) else part for name, part in parts.items()}
    }  # fmt: skip


def _one(*values):
    return lambda chance: chance.choice(values)


COMMANDS = (
    _send("configure", sequence=_one(*TEXTS)),
    _send("configure", sequence=_one(*TEXTS), context_length=_one(1, 2, 3, 9), vocabulary=None),
    _send("configure", tokens=_one("chars", "words"), separator=_one(None, ",", " ", "")),
    _send("configure", lines=_one(None, True, False), vocabulary=_one(None, "01", "012", "ab c", "0")),
    _send("configure", steps=_one(1, 3, 6, 61), stop_gap=_one(None, 0, 0.2, 5, -1)),
    _send("configure", seed=_one(0, 7, 2**40), bias=_one(True, False), positions=_one("last", "all")),
    _send("configure", batch_size=_one(None, 1, 3, 0), weight_decay=_one(0, 0.1), n_head=_one(1, 2, 3), n_embd=8),
    _send("preset", name=_one("article", "alternating", "poem", "nothing")),
    _send("open", link=_one({}, {"trained": "2", "steps": "3"}, {"preset": "alternating", "step": "1"})),
    _send("open", link=_one({"sequence": "0101 1", "top_k": "1"}, {"lines": "2"}, {"seeds": "1"}, {"n_head": "3"})),
    _send("train"), _send("train"), _send("train"), _send("more", steps=_one(1, 2, 0, 1000)), _send("stop"),
    _send("play"), _send("pause"), _send("step"), _send("rewind"), _send("seek", step=_one(0, 1, 2.5, 99, -4)),
    _send("skip", by=_one(-2, 1, 10)), _send("speed", speed=_one(None, 3, 1000, 0, -2.5, 1e-9)),
    _send("show", source=_one("model", "data", "seeds", "difference"), compare=_one(["model", "data"], ["A", "B"])),
    _send("show", source="difference", compare=_one(["data", "model"], ["model", "B"], ["seeds", "model"])),
    _send("seeds", n=_one(2, 3, 5, 1)), _send("attribute", position=_one(None, 0, 3, 11, -1)),
    _send("select", state=_one(None, 0, 3, 7, 500)), _send("decode", temperature=_one(0, 0.5, 1, 2, "1", None)),
    _send("decode", top_k=_one(None, 1, 2, 0), top_p=_one(None, 0.5, 1, 2)), _send("decode", min_p=_one(None, 0, 0.9)),
    _send("pin", slot=_one("A", "B")), _send("unpin", slot=_one("A", "B")), _send("rows", first=_one(None, 0, 5)),
    _send("code", on=_one(True, False)), _send("dismiss"), _send("walk", token=_one(0, 1, 2)),
    _send("place", state=_one(0, 6, 80)), _send("wander", on=_one(True, False)),
    _send("turn", position=_one(0, 0.3, 1, 1.5, 7)), _send("tensor", name=_one("wte.weight", "h.0.ln_1.bias", "wpe")),
    _send("nudge", place=_one(0, 3, 10**6), by=_one(0.5, -1, 0)), _send("release"), _send("nonsense"), lambda _: [1],
)  # fmt: skip
