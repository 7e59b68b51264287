"""On however many threads, the same numbers to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import babygpt as bg
from babygpt.gpt.model import seeded_gpt
from babygpt.run.blocks import members_at_once

# A width that no vector register holds whole: what is at the end of a block is computed another way.
SMALL = {"steps": 3, "n_layer": 1, "n_head": 1, "n_embd": 5, "context_length": 2}
TEXT = "".join(map(str, np.random.default_rng(0).integers(3, size=120)))  # 240 changed texts, most unlike each other


def tables(threads: int | None) -> dict[str, np.ndarray]:
    gpt = seeded_gpt(bg.GPTConfig(15, 2, 1, 1, 5), seed=1)
    wide = seeded_gpt(bg.GPTConfig(4, 17, 1, 1, 5), seed=1)
    ensemble = bg.Ensemble.train(TEXT, seeds=range(300), threads=threads, record="all", **SMALL)
    return {
        "attribute": bg.attribute(TEXT, threads=threads, **SMALL).changed,
        "attribute by window": bg.attribute(TEXT, "window", seeds=[1, 2, 3], threads=threads, **SMALL).changed,
        "study": bg.study(TEXT, seeds=range(201), threads=threads, **SMALL).probs,
        "ensemble": ensemble.tables,
        "losses": ensemble.losses,
        "weights": ensemble.weights["wte.weight"],
        "batches": bg.Ensemble.train(TEXT, seeds=range(200), threads=threads, batch_size=7, **SMALL).tables,
        "table": bg.context_table(gpt, threads=threads),
        "table without short contexts": bg.context_table(wide, threads=threads, short=False),
    }


def test_threads_change_not_one_bit_of_any_result() -> None:
    assert members_at_once(bg.GPTConfig(2, 3, 1, 1, 5), 9, 241) < 241  # there is work for several threads
    one = tables(1)
    for threads in (2, 3):
        for name, table in tables(threads).items():
            np.testing.assert_array_equal(table, one[name], err_msg=f"{name} on {threads} threads")


@pytest.mark.parametrize("n_members", [1, 95, 191, 192, 300, 1000, 1024, 5000])
def test_blocks_hold_all_members_and_are_enough_for_eight_threads_if_worth_it(n_members: int) -> None:
    size = members_at_once(bg.GPTConfig(), 7, n_members)
    blocks = -(-n_members // size)
    assert size <= 256
    assert blocks >= min(8, n_members // 96)
    assert blocks == 1 or size >= 90  # none is too small to be worth a thread
