"""Who of many GPTs is trained together."""

from __future__ import annotations

import pytest

from babygpt.run.blocks import blocks_of


@pytest.mark.parametrize("n_members", [1, 7, 8, 9, 20])
@pytest.mark.parametrize("first", [None, 1, 4])
def test_blocks_hold_each_member_once_in_order(n_members, first):
    made = blocks_of(n_members, 8, first)
    assert [member for block in made for member in block] == list(range(n_members))
    assert [len(block) for block in made[1:-1]] == [8] * len(made[1:-1])
    assert len(made[0]) == min(n_members, first or 8)
