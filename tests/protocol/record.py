"""Records the conversations of this folder: python tests/protocol/record.py.

python tests/protocol/record.py 1000 FOLDER records so many that chance writes, elsewhere; CONVERSATIONS=FOLDER makes
the tests of the page's session go through those.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import chance
from conversations import FOLDER, SMALL, Speaker, rounded

from babygpt.studio.presets import PRESETS

FINISH = {"finish": True}
PAGE = b'<p><script type="application/json" id="beginning">{"link":{"steps":"4","trained":"2","n_layer":"1"}}</script>'

# A link that tells of turned weights, and of two pins: one of another text, one turned.
KEPT = {
    "steps": "4", "n_layer": "1", "n_embd": "8", "n_head": "2", "trained": "4", "step": "3", "turn": "0.75",
    "source": "difference", "compare": "A,B", "A.preset": "period5", "A.steps": "4", "A.n_layer": "1", "A.step": "2",
    "A.n_embd": "8", "A.n_head": "2", "B.steps": "5", "B.n_layer": "1", "B.step": "3", "B.trained": "5",
    "B.turn": "-0.5", "B.tensor": "wpe.weight", "B.place": "2", "B.nudge": "1.5", "B.top_k": "1",
    "B.n_embd": "8", "B.n_head": "2",
}  # fmt: skip


def send(command, **parts):
    return {"send": {"command": command, **parts}}


def wait(seconds):
    return {"wait": seconds}


def trained(steps):
    """Train to so many steps and show the last."""
    return [send("train"), send("pause"), FINISH, send("seek", step=steps)]


def preset(name):
    """Open a preset, look at a state, and train three steps of it, whatever its rate: the rest is more of the same."""
    few = [{"send": {"command": "more", "steps": 3}}, send("pause"), FINISH, send("seek", step=3)]
    return [send("preset", name=name), FINISH, send("select", state=1), send("code", on=True), *few, send("rewind")]


CONVERSATIONS = {
    "article": (
        "The article's GPT is trained, its film is gone through, and a state looked at.",
        [
            send("select", state=0b101), send("train"), send("pause"), FINISH,
            send("seek", step=20), send("seek", step=49.6), send("rewind"), send("step"), send("skip", by=10),
            send("skip", by=-3), send("speed", speed=20), send("play"), wait(0.5), send("pause"),
            send("speed", speed=None), send("more", steps=2), FINISH, send("select", state=None), send("stop"),
        ],
    ),
    "tidy": (
        "Files are read in the encoding that is said, with settings that suit them; breaks and a header are left out.",
        [
            send("configure", **SMALL),
            *[send("file", name="latin.txt", data="6WD66ek=", encoding=name) for name in ("", "cp1250", "big5")],
            send("file", name="x", data="MDEx", encoding="morse"),
            send("file", name="genome.fa", data=base64.b64encode(b">chr1\nACGTAAC\nCCGTAGA\n").decode(), suits=True),
            send("tidy", part="header"), send("tidy", part="breaks"), send("undo"), send("configure", lines=True),
            send("file", name="one.txt", data="MTEx", suits=True), send("file", name="none.txt", data="", suits=True),
            send("configure", sequence="a rose\nis\na rose\n", context_length=2, lines=False),
            send("tidy", part="breaks"),
            send("configure", tokens="words", context_length=1), send("tidy", part="breaks"),
            send("file", name="go.txt", data=base64.b64encode(b"go stop go\nstop go go\n").decode(), suits=True),
            send("fit", text="look buy look"), send("fit", text="buy"), send("tidy", part="header"),
        ],
    ),
    "undo": (
        "Changes of text and settings are taken back, with what was trained.",
        [
            *trained(12), send("select", state=5), send("configure", sequence="00101", **SMALL),
            send("preset", name="alternating"),
            send("undo"), send("undo"), FINISH, send("undo"), send("configure", steps=60), send("undo"), FINISH,
        ],
    ),
    "fit": (
        "Whatever is typed is learnt, with settings that suit it; what is asked of a setup ends with it.",
        [
            *(send("fit", text=text) for text in ("Emma", "王小明", "77", "0110100110010110", "a cat", "a\r\nb\r\n")),
            send("fit", text=" \n"), send("fit", text="Ada", steps=3),
            send("select", state=3), send("attribute", position=2),
            send("select", state=1, version=1), send("attribute", position=14, version=2), send("configure", seed=5),
            send("train"), send("pause"), FINISH,
            send("configure", seed=6), send("select", state=2, version=10), send("attribute", position=2, version=10),
            send("place", state=3, version=9), send("select", state=1, version=12),
            send("configure", context_length=2), send("select", state=0, version=11), send("walk", token=0, version=1),
        ],
    ),
    "configure": (
        "Texts and settings of all kinds, and what follows from them.",
        [
            send("configure", sequence="0110100110010110", **SMALL), send("configure", context_length=2, steps=4),
            send("select", state=2), *trained(4), send("configure", steps=6), *trained(6),
            send("configure", seed=3, learning_rate=0.002, weight_decay=0.2, bias=True, positions="all"), *trained(6),
            send("configure", batch_size=4, positions="last"), *trained(6),
            send("configure", batch_size=None, stop_gap=5), send("train"), FINISH, send("more", steps=1), FINISH,
            send("configure", sequence="the cat the dog the cat", tokens="words", context_length=1, stop_gap=None),
            send("configure", sequence="a b, c d, a b, c d, e", separator=","),
            send("configure", sequence="01\n011\n0111", separator=None, tokens="chars", lines=True),
            send("configure", sequence="0101", vocabulary="012", lines=None),
            send("file", name="poems/moon.txt", data="bW9vbiBtb29uCg=="),
            send("file", name="latin.txt", data="6WD66ek="),
            send("configure", sequence="moonmoonm"), send("train"), FINISH,
        ],
    ),
    "refusals": (
        "What is refused, and the sentence that says why.",
        [
            {"send": None}, {"send": {"command": "Train"}}, send("seek"), send("seek", step="2"),
            send("seek", step=True),
            send("seek", step=1, x=2), send("train", x=1), send("dismiss"), send("select", state=8),
            send("select", state=-1), send("walk", token=2), send("place", state=9), send("wander", on=1),
            send("show", source="seen"), send("show", source="model", compare=["model"]),
            send("show", source="difference", compare=["model", "A"]), send("pin", slot="C"), send("speed", speed=0),
            send("more", steps=0), send("more", steps=10**6), send("seeds", n=1), send("seeds", n=2000),
            send("attribute", position=99), send("turn", position=0.5), send("tensor", name="wte"),
            send("nudge", place=0, by=1), send("open", link={"steps": 3}), send("configure", depth=3),
            send("configure", steps=[3]), send("configure", steps=-1), send("configure", steps=501),
            send("configure", context_length=20), send("configure", learning_rate="fast"),
            send("configure", n_embd=10, n_head=4), send("configure", sequence=""), send("configure", sequence="1111"),
            send("configure", sequence="01"), send("configure", sequence="01" * 501),
            send("configure", vocabulary="0"), send("configure", sequence="012", vocabulary="01"),
            send("configure", tokens="bytes"), send("configure", batch_size=2**21), send("configure", lines="no"),
            send("decode", temperature=-1), send("decode", top_k=0), send("decode", top_p=1.5),
            send("decode", min_p="x"),
            send("decode", top_k=10**20), send("decode", top_k=None),
            *(send("configure", **{name: value})
              for name in ("seed", "steps", "batch_size", "n_layer", "n_head", "n_embd", "context_length")
              for value in (10**20, 1e21, -1, 0.5)),
            *(send("configure", **{name: "1e999"})
              for name in ("seed", "steps", "learning_rate", "weight_decay", "stop_gap")),
            send("decode", top_q=1), send("preset", name="none"), send("file", name="x", data="?"),
        ],
    ),
    "links": (
        "Sessions that are opened by links, sound and mistaken.",
        [
            send("open", link={"steps": "8", "n_layer": "1", "trained": "6", "step": "4", "select": "5"}), FINISH,
            send("open", link={"preset": "alternating", "trained": "3", "steps": "3", "temperature": "0.5"}), FINISH,
            send("open", link={"sequence": "0120120121", "context_length": "1", "source": "data", "n_embd": "8"}),
            send("open", link={"source": "difference", "compare": "data,model", "steps": "2", "trained": "2"}), FINISH,
            send("open", link={"steps": "many"}), send("open", link={"preset": "none", "seed": "4"}),
            send("open", link={"select": "99"}), send("open", link={"context_length": "50", "seed": "2"}),
            send("open", link={"too_long": "1"}), send("open", link={"compare": "model"}), send("open", link={}),
            send("file", name="page.html", data=base64.b64encode(PAGE).decode()), FINISH,
        ],
    ),
    "shown": (
        "The model, the data, what is kept, differences, a table and scripts.",
        [
            send("configure", steps=6, **SMALL), send("pin", slot="A"), *trained(6), send("pin", slot="B"),
            send("show", source="data"), send("show", source="difference"),
            send("show", source="difference", compare=["model", "A"]), send("select", state=6),
            send("show", source="difference", compare=["B", "A"]), send("unpin", slot="A"),
            send("show", source="model"),
            send("rows", first=2), send("rows", first=None), send("code", on=True), send("show", source="data"),
            send("seek", step=3), send("show", source="model"), send("rewind"),
            send("code", on=False), send("configure", context_length=2),
            send("show", source="difference", compare=["model", "B"]), send("unpin", slot="B"),
        ],
    ),
    "short": (
        "The contexts shorter than K: untrained, trained, decoded, turned; where there are none, and too many.",
        [
            send("configure", steps=5, sequence="0120210122", **SMALL), send("short", on=True), *trained(5),
            send("decode", temperature=0.5), send("decode", temperature=1, top_k=2), send("decode", top_k=None),
            send("turn", position=0.5), send("release"), send("seek", step=2), send("configure", context_length=1),
            send("configure", sequence="0110100110010110", context_length=9), send("short", on=1),
            send("open", link={"n_layer": "1", "positions": "all"}), send("short", on=False),
        ],
    ),
    "decoding": (
        "Each rule of decoding, alone and together.",
        [
            send("configure", steps=5, sequence="0120210122", context_length=2, **SMALL),
            send("select", state=4), *trained(5),
            send("decode", temperature=0.5), send("decode", temperature=0), send("decode", temperature=2, top_k=2),
            send("decode", top_k=None, top_p=0.7), send("decode", top_p=None, min_p=0.9), send("code", on=True),
            send("decode", temperature=1, top_k=1, min_p=None), send("decode", temperature=1, top_k=None),
        ],
    ),
    "ball": (
        "The ball walks, is put somewhere, and wanders.",
        [
            send("configure", steps=5, **SMALL), *trained(5), send("walk", token=0), send("walk", token=1),
            send("place", state=2), send("walk", token=1), send("wander", on=True), wait(3), wait(2),
            send("wander", on=False), wait(3), send("decode", temperature=0), send("wander", on=True), wait(2),
        ],
    ),
    "kept": (
        "What is turned and pinned goes into the link, and comes out of it.",
        [
            send("configure", steps=6, sequence="010011000111", context_length=2, **SMALL), *trained(6),
            send("seek", step=4), send("pin", slot="A"), send("turn", position=0.5),
            send("tensor", name="wte.weight"), send("nudge", place=0, by=0.25), send("decode", temperature=0.5),
            send("pin", slot="B"), send("show", source="difference", compare=["A", "B"]),
            send("configure", seed=3), *trained(2), send("nudge", place=1, by=-0.5), send("unpin", slot="A"),
            send("open", link=KEPT), FINISH, send("undo"), send("open", link={}),
            send("open", link={"A.step": "x"}), send("open", link={"A.seed": "1", "A.tensor": "none"}),
            send("open", link={"compare": "A,model", "source": "difference"}), send("open", link={"turn": "?"}),
            send("open", link={"tensor": "wte.weight", "place": "9999", "nudge": "1"}),
            send("open", link={"A.sequence": "01"}), send("open", link={"B.steps": "2", "B.step": "9"}), FINISH,
        ],
    ),
    "knobs": (
        "The weights are turned, all at once and one by one.",
        [
            send("configure", steps=5, sequence="010011000111", context_length=2, **SMALL), *trained(5),
            send("turn", position=0), send("turn", position=0.5), send("turn", position=1.5), send("turn", position=9),
            send("tensor", name="transformer.wte.weight"), send("nudge", place=3, by=0.5),
            send("nudge", place=3, by=-1),
            send("release"), send("nudge", place=2, by=0.25), send("seek", step=2),
            send("tensor", name="lm_head.weight"),
            send("tensor", name="wte.weight"), send("nudge", place=5, by=2), send("train"), FINISH,
        ],
    ),
    "seeds": (
        "Many seeds beside this one.",
        [
            send("configure", steps=4, sequence="0110100110010110", context_length=2, **SMALL), send("seeds", n=6),
            send("show", source="seeds"), FINISH, *trained(4), send("select", state=1), send("seek", step=2),
            send("decode", temperature=0.5), send("show", source="difference", compare=["model", "seeds"]),
            send("code", on=True), send("show", source="seeds"), send("seeds", n=3), FINISH,
        ],
    ),
    "tokens": (
        "Someone points at tokens, whose effects are computed.",
        [
            send("configure", steps=4, sequence="01201202", context_length=2, **SMALL), send("attribute", position=2),
            *trained(4), FINISH, send("attribute", position=3), FINISH, send("decode", temperature=0.5), FINISH,
            send("turn", position=0.5), send("release"), FINISH, send("attribute", position=None),
        ],
    ),
    "map": (
        "More states than travel as numbers.",
        [
            send("configure", steps=3, sequence="0110100110010110", context_length=9, **SMALL), FINISH,
            send("select", state=105), *trained(3), FINISH, send("rows", first=100), send("rows", first=None),
            send("show", source="data"), send("show", source="difference"),
        ],
    ),
    "between": (
        "So many states that training records few chains: those between are read when there is nothing else to do.",
        [
            send("configure", steps=19, sequence="0110100110010110", context_length=12, **SMALL), FINISH,
            send("train"), send("pause"), FINISH, send("seek", step=17), send("select", state=1302), send("skip", by=1),
        ],
    ),
    **{f"chance-{seed}": ("Commands in any order, as chance has them.", chance.turns(seed)) for seed in range(5)},
    **{f"preset-{name}": (f"The preset {name} begins.", preset(name)) for name in PRESETS},
}  # fmt: skip

LIMITS = {"states": 1024, "steps": 500, "text": 1000}
BY_CHANCE = {**LIMITS, "steps": 60}


def recorded(about, limits, turns):
    """Return the file of a conversation."""
    speaker = Speaker(limits)
    heard = [{**turn, "views": rounded(speaker(turn))} for turn in [{"wait": 0}, *turns]]
    lines = ",\n".join(json.dumps(turn, ensure_ascii=False, separators=(",", ":")) for turn in heard)
    head = json.dumps({"about": about, "limits": limits}, ensure_ascii=False)[:-1]
    return f'{head}, "turns": [\n{lines}\n]}}\n'


def main() -> None:
    """Record all, and remove what is recorded no more."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, (about, turns) in CONVERSATIONS.items():
        limits = BY_CHANCE if name.startswith("chance-") else LIMITS
        limits = {} if name in ("article", "between") or name.startswith("preset-") else limits
        (FOLDER / f"{name}.json").write_text(recorded(about, limits, turns), encoding="utf-8")


def by_chance(n: int, folder: Path) -> None:
    """Record so many that chance writes."""
    folder.mkdir(exist_ok=True)
    for seed in range(n):
        (folder / f"chance-{seed}.json").write_text(
            recorded("Chance.", BY_CHANCE, chance.turns(seed)), encoding="utf-8"
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        by_chance(int(sys.argv[1]), Path(sys.argv[2]))
