from __future__ import annotations

import errno
import math
import os
import shutil
import stat
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import babygpt as bg
from babygpt.chain import extract
from babygpt.chain.contexts import all_contexts, count_short
from babygpt.chain.extract import context_table, log_softmax, table_steps
from babygpt.chain.steps import finish
from babygpt.errors import FileError, SettingError, SizeError
from babygpt.gpt.fast import prefixes
from babygpt.gpt.fast.prefixes import PrefixTree
from babygpt.gpt.model import seeded_gpt

UNTRAINED_P0 = [0.4963350, 0.4515704, 0.4964836, 0.4518111, 0.4961162, 0.4517718, 0.4962803, 0.4520468]


def random_gpt(seed):
    """Return a GPT of random shape with weights loud enough for its answers to differ."""
    rng = np.random.default_rng(seed)
    V, K = int(rng.integers(2, 6)), int(rng.integers(1, 6))
    heads = int(rng.choice([1, 2, 4]))
    config = bg.GPTConfig(
        block_size=K,
        vocab_size=V,
        n_layer=int(rng.integers(1, 4)),
        n_head=heads,
        n_embd=heads * int(rng.integers(1, 7)),
        bias=bool(rng.integers(2)),
    )
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.6)
    return gpt


def answers(gpt):
    """softmax(gpt(context)) for every context of 1 to K tokens, each length asked whole, no prefix shared."""
    config = gpt.config
    for t in range(1, config.block_size + 1):
        contexts = torch.tensor(list(product(range(config.vocab_size), repeat=t)))
        with torch.no_grad():
            yield torch.softmax(gpt(contexts).double(), dim=-1).numpy()


def assert_knows(chain, gpt):
    *short, full = answers(gpt)
    np.testing.assert_allclose(chain.probs, full, atol=1e-5)
    if short:
        np.testing.assert_allclose(np.exp(chain.short_log_probs), np.concatenate(short), atol=1e-5)


@pytest.mark.parametrize("seed", range(24))
def test_every_row_of_the_chain_is_the_softmax_of_the_gpt_there(seed):
    gpt = random_gpt(seed)
    chain = bg.MarkovChain.from_model(gpt)
    assert_knows(chain, gpt)
    assert np.abs(chain.probs.sum(axis=1) - 1).max() <= 1e-14
    if gpt.config.block_size > 1:
        assert np.abs(np.exp(chain.short_log_probs).sum(axis=1) - 1).max() <= 1e-14


@pytest.mark.parametrize(("vocab_size", "context_length"), [(2, 3), (3, 4), (2, 15), (5, 6)])
def test_a_table_that_is_read_in_steps_is_the_one_that_is_read_at_once(vocab_size, context_length):
    gpt = seeded_gpt(bg.GPTConfig(context_length, vocab_size, n_layer=2, n_head=2, n_embd=8), 3)
    assert (sum(1 for _ in table_steps(gpt)) > 1) == (vocab_size**context_length > 4096)
    np.testing.assert_array_equal(finish(table_steps(gpt)), context_table(gpt))
    assert finish(table_steps(gpt, np.float32)).dtype == np.float32


def test_random_gpts_of_these_tests_have_opinions():
    spread = [np.ptp(bg.MarkovChain.from_model(random_gpt(seed)).probs) for seed in range(24)]
    assert np.median(spread) > 0.5


def test_each_context_asked_alone_in_double_precision_agrees():
    gpt = random_gpt(3)
    V, K = gpt.config.vocab_size, gpt.config.block_size
    chain = bg.MarkovChain.from_model(gpt)
    double = random_gpt(3).double()
    for t in range(1, K + 1):
        for context in list(product(range(V), repeat=t))[:40]:
            with torch.no_grad():
                expected = torch.softmax(double(torch.tensor([context]))[0], dim=-1).numpy()
            np.testing.assert_allclose(np.exp(chain.row(list(context))), expected, atol=1e-5)


def test_table_holds_short_contexts_before_states_in_double_precision():
    table = context_table(seeded_gpt(bg.GPTConfig(), 0))
    assert table.shape == (14, 2)
    assert table.dtype == np.float64


def test_a_context_of_one_token_has_no_shorter_ones():
    gpt = seeded_gpt(bg.GPTConfig(block_size=1, vocab_size=3), 0)
    assert context_table(gpt).shape == (3, 3)
    assert bg.MarkovChain.from_model(gpt).short_log_probs is None


def test_untrained_article_chain_through_manual_seed():
    torch.manual_seed(1337)
    gpt = bg.GPT(bg.GPTConfig(block_size=3, vocab_size=2, n_layer=4, n_head=4, n_embd=16, bias=False))
    np.testing.assert_allclose(bg.MarkovChain.from_model(gpt).probs[:, 0], UNTRAINED_P0, atol=1e-6)


def test_extraction_leaves_gpt_gradients_and_generator_alone():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    before = torch.get_rng_state(), {n: p.clone() for n, p in gpt.state_dict().items()}, torch.is_grad_enabled()
    context_table(gpt)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert all(torch.equal(p, before[1][n]) for n, p in gpt.state_dict().items())
    assert torch.is_grad_enabled() == before[2]
    assert all(p.grad is None for p in gpt.parameters())


def test_small_changes_of_a_parameter_change_the_arrows_by_little():
    gpt = seeded_gpt(bg.GPTConfig(), 1337)
    before = bg.MarkovChain.from_model(gpt).probs
    moves = []
    for _ in range(2):
        with torch.no_grad():
            gpt.wte.weight[0, 0] += 1e-3
        moves.append(np.abs(bg.MarkovChain.from_model(gpt).probs - before).max())
    assert 0 < moves[0] < 1e-2
    assert moves[1] == pytest.approx(2 * moves[0], rel=0.1)


def test_a_gpt_with_too_many_states_is_refused_before_anything_is_allocated():
    gpt = seeded_gpt(bg.GPTConfig(block_size=40, n_layer=1, n_head=1, n_embd=2), 0)
    with pytest.raises(SizeError, match=r"1,099,511,627,776 states.*16\.0 TiB.*context_length=26"):
        bg.MarkovChain.from_model(gpt)


def test_log_softmax_agrees_with_torch_on_large_and_small_logits():
    logits = np.random.default_rng(0).normal(size=(50, 7)) * 10.0 ** np.arange(-3, 4)
    expected = torch.log_softmax(torch.from_numpy(logits), dim=-1).numpy()
    np.testing.assert_allclose(log_softmax(logits), expected, rtol=1e-13, atol=1e-13)


def test_a_cold_softmax_keeps_finite_log_probabilities_where_probabilities_underflow():
    out = log_softmax(np.array([[2000.0, 0.0, -2000.0]]))
    np.testing.assert_array_equal(out, [[0.0, -2000.0, -4000.0]])


# -- large tables: threads, arrays, files, progress, refusals ------------------------------------------------------


@pytest.fixture
def large(monkeypatch):
    """Return a GPT of a few thousand contexts, read prefix by prefix and in many branches."""
    monkeypatch.setattr(extract, "FORWARD_TOKENS", 0)
    monkeypatch.setattr(extract, "LEAST_SHARE", 64)
    monkeypatch.setattr(prefixes, "CACHE_ACTIVATIONS", 8 * 64)
    gpt = seeded_gpt(bg.GPTConfig(10, 2, 2, 2, 8), 0)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.mul_(8)
    return gpt


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_row_is_the_gpts_answer_on_any_number_of_threads(large, threads):
    out = np.full((2**11 - 2, 2), np.nan)
    assert context_table(large, out=out, threads=threads) is out
    np.testing.assert_allclose(np.exp(out), np.concatenate(list(answers(large))), atol=1e-5)
    np.testing.assert_allclose(np.exp(out).sum(axis=1), 1, atol=1e-14)


def test_threads_change_nothing_but_the_last_digits(large):
    np.testing.assert_allclose(context_table(large, threads=3), context_table(large, threads=1), atol=2e-4)


def test_few_and_many_contexts_are_read_alike(large, monkeypatch):
    by_prefix = context_table(large)
    monkeypatch.setattr(extract, "FORWARD_TOKENS", 10**9)
    np.testing.assert_allclose(context_table(large), by_prefix, atol=2e-4)


@pytest.mark.slow
def test_many_tokens_are_read_in_portions(large, monkeypatch):
    gpt = seeded_gpt(bg.GPTConfig(2, 300, 1, 1, 4), 1)
    assert_knows(bg.MarkovChain.from_model(gpt), gpt)


@pytest.mark.parametrize("kind", ["float64", "float32", "memmap", "strided"])
def test_the_callers_array_is_filled(large, tmp_path, kind):
    expected = context_table(large)
    shape = expected.shape
    if kind == "memmap":
        out = np.memmap(tmp_path / "table", dtype=np.float32, mode="w+", shape=shape)
    elif kind == "strided":
        out = np.zeros((2 * shape[0], 5))[::2, 1:4:2]
    else:
        out = np.zeros(shape, dtype=kind)
    assert context_table(large, out=out) is out
    np.testing.assert_allclose(out, expected, atol=2e-4)


def test_float32_on_request(large):
    table = context_table(large, dtype=np.float32)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, context_table(large), atol=2e-4)


def test_a_file_is_the_table_memory_mapped(large, tmp_path):
    path = tmp_path / "table.npy"
    table = context_table(large, out=path, dtype="float32")
    assert isinstance(table, np.memmap)
    assert not table.flags.writeable
    np.testing.assert_array_equal(np.load(path), table)
    np.testing.assert_allclose(table, context_table(large), atol=2e-4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.npy"]
    assert context_table(large, out=str(path)).dtype == np.float64  # written over


class EnoughError(Exception):
    pass


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, EnoughError, OSError])
@pytest.mark.parametrize("when", [1, 3])
def test_what_stops_an_extraction_leaves_no_file_and_all_as_it_was(large, tmp_path, threads, error, when):
    path = tmp_path / "table.npy"
    path.write_text("an older file")
    before = torch.get_num_threads(), torch.is_grad_enabled(), torch.get_rng_state()
    calls = []

    def progress(done, total):
        calls.append(done)
        if len(calls) == when:
            raise error

    with pytest.raises(error):
        context_table(large, out=path, threads=threads, progress=progress)
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.npy"]
    assert path.read_text() == "an older file"
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert context_table(large, threads=threads).shape == (2**11 - 2, 2)  # and the threads work on


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_rises_to_the_end_on_the_callers_thread(large, threads):
    heard = []
    context_table(large, threads=threads, progress=lambda *now: heard.append((*now, threading.current_thread())))
    done = [now[0] for now in heard]
    assert done == sorted(done)
    assert heard[-1][:2] == (2**11 - 2, 2**11 - 2)
    assert len(heard) > 5
    assert {now[2] for now in heard} == {threading.current_thread()}


def test_a_chain_passes_progress_on():
    heard = []
    bg.MarkovChain.from_model(seeded_gpt(bg.GPTConfig(), 0), progress=lambda *now: heard.append(now))
    assert heard == [(14, 14)]


def test_files_that_cannot_be_written_are_told(large, tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        context_table(large, out=tmp_path / "none" / "table.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        context_table(large, out=tmp_path / "folder.npy")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.npy"]


def test_what_would_not_fit_memory_is_refused_before_work(large, monkeypatch):
    monkeypatch.setattr(extract.psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000))
    monkeypatch.setattr(extract, "_fill", lambda *_: pytest.fail("work began"))
    with pytest.raises(SizeError, match=r"take 32\.0 KiB; there is 9\.8 KiB free memory\. Try context_length=8"):
        context_table(large)


def test_what_would_not_fit_the_disk_is_refused_before_work(large, monkeypatch, tmp_path):
    monkeypatch.setattr(extract.shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000))
    monkeypatch.setattr(extract, "_fill", lambda *_: pytest.fail("work began"))
    with pytest.raises(SizeError, match=r"there is 9\.8 KiB free on the disk of .*table\.npy\. Try context_length=8"):
        context_table(large, out=tmp_path / "table.npy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("K", [60, 10**4])
def test_contexts_beyond_all_memory_are_refused_at_once(K):
    gpt = seeded_gpt(bg.GPTConfig(K, 2, 1, 1, 2), 0)
    with pytest.raises(SizeError):
        context_table(gpt)
    with pytest.raises(SettingError, match="this GPT's table is float64 or float32 with"):
        context_table(gpt, out=np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((13, 2)), "14 rows"),
        (np.zeros((14, 3)), "2 columns"),
        (np.zeros((14, 2), dtype=np.int64), "out is int64"),
        (np.broadcast_to(np.zeros(2), (14, 2)), "cannot be written to"),
    ],
)
def test_arrays_that_cannot_take_the_table_are_told(out, message):
    with pytest.raises(SettingError, match=message):
        context_table(seeded_gpt(bg.GPTConfig(), 0), out=out)


@pytest.mark.parametrize(
    "settings", [{"dtype": np.int32}, {"dtype": "float16"}, {"threads": 0}, {"threads": 1.5}, {"threads": True}]
)
def test_settings_that_mean_nothing_are_told(settings):
    with pytest.raises(SettingError):
        context_table(seeded_gpt(bg.GPTConfig(), 0), **settings)


def test_a_broken_gpt_gives_nan_and_no_chain(large):
    with torch.no_grad():
        large.wte.weight[0, 0] = torch.nan
    assert np.isnan(context_table(large)).any()
    with pytest.raises(SettingError, match="no distribution"):
        bg.MarkovChain.from_model(large)


def test_a_chain_takes_no_copy_of_the_table_it_reads(monkeypatch):
    made = []
    real = extract.context_table

    def watched(*args, **kwargs):
        made.append(real(*args, **kwargs))
        return made[0]

    monkeypatch.setattr(extract, "context_table", watched)
    chain = bg.MarkovChain.from_model(seeded_gpt(bg.GPTConfig(), 0))
    assert np.shares_memory(chain.log_probs, made[0])
    assert not chain.log_probs.flags.writeable


# -- by shared prefixes ------------------------------------------------------------------------------------------


@contextmanager
def small_parts(least_share=1, activations=200, row=8, into=8, forward_tokens=0):
    """Make trees fall apart, and be read by several threads, that would be read in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "FORWARD_TOKENS", forward_tokens)
        patch.setattr(extract, "LEAST_SHARE", least_share)
        patch.setattr(prefixes, "CACHE_ACTIVATIONS", activations)
        patch.setattr(prefixes, "LEAST_ROW", row)
        patch.setattr(prefixes, "SPLIT_INTO", into)
        yield


@pytest.fixture
def in_small_parts():
    with small_parts():
        yield


@st.composite
def gpts(draw):
    V = draw(st.sampled_from([2, 3]) | st.integers(2, 40))
    longest = min(10, int(math.log(1500, V)))
    K = draw(st.integers(max(1, longest - 3), longest) | st.integers(1, longest))
    heads = draw(st.integers(1, 3))
    config = bg.GPTConfig(K, V, draw(st.integers(1, 3)), heads, heads * draw(st.integers(1, 4)), draw(st.booleans()))
    return loud_gpt(config, draw(st.integers(0, 10**6)), draw(st.sampled_from([0.0, 0.3, 2.0])))


def loud_gpt(config, seed, loudness=0.4):
    """Return a GPT with noise on every weight, LayerNorm's gains and shifts too."""
    gpt = seeded_gpt(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * loudness)
    return gpt


def asked(gpt):
    """Return the table, each context asked for itself, no prefix shared."""
    V, K = gpt.config.vocab_size, gpt.config.block_size
    with torch.no_grad():
        said = [gpt(torch.tensor(list(product(range(V), repeat=t)))) for t in range(1, K + 1)]
    return torch.log_softmax(torch.cat(said).double(), dim=-1).numpy()


def unread(gpt, dtype=np.float64):
    V, K = gpt.config.vocab_size, gpt.config.block_size
    return np.full((sum(V**t for t in range(1, K + 1)), V), np.nan, dtype)


def furthest(table, expected):
    """How far apart, relative to the largest log-probability where that is beyond 1."""
    return float(np.abs(table - expected).max() / max(1, np.abs(expected).max()))


MIDDLE = bg.GPTConfig(8, 2, 2, 2, 6, True)  # 510 contexts


def test_tables_of_any_gpt_in_any_parts_on_any_number_of_threads_are_what_the_gpt_says():
    done = Counter()

    class WatchedTree(PrefixTree):
        def grow(self, branch, whole=True, forks=1):
            first = self._weights.blocks[0]
            done["sharp" if first.sharp else "not sharp"] += 1
            done["tabled" if self._tabled else "not tabled"] += 1
            done["whole" if whole else "not whole"] += 1
            done[f"on {threading.current_thread().name}"] += 1
            return super().grow(branch, whole, forks)

        def _split(self, *arguments):
            done["split"] += 1
            return super()._split(*arguments)

        def _portions(self, branch):
            done["portions"] += 1
            return super()._portions(branch)

    @settings(max_examples=100)
    @given(
        gpt=gpts(),
        least_share=st.sampled_from([1, 20, 200]),
        activations=st.sampled_from([200, 40, 1, 1000, 2**18]),
        row=st.sampled_from([8, 1, 30, 256]),
        into=st.sampled_from([8, 1, 27]),
        threads=st.sampled_from([3, 1]),
    )
    def check(gpt, least_share, activations, row, into, threads):
        gpt = gpt.double()
        table = unread(gpt)
        with small_parts(least_share, activations, row, into), pytest.MonkeyPatch.context() as patch:
            patch.setattr(extract, "PrefixTree", WatchedTree)
            context_table(gpt, out=table, threads=threads)
        assert furthest(table, asked(gpt)) <= 1e-10
        assert np.abs(np.exp(table).sum(axis=1) - 1).max() <= 1e-13

    check()
    for path in ("sharp", "not sharp", "tabled", "not tabled", "whole", "not whole", "split", "portions"):
        assert done[path] >= 5, (path, done)
    assert sum(path.startswith("on babygpt-read_") for path in done) == 3, done


def test_tables_in_single_precision_are_as_exact_as_the_gpt_itself():
    errors = []

    @settings(max_examples=30)
    @given(gpts(), st.sampled_from([40, 1000, 2**18]), st.sampled_from([np.float32, np.float64]))
    def check(gpt, activations, dtype):
        with small_parts(activations=activations):
            table = context_table(gpt, dtype=dtype, threads=2)
        assert table.dtype == dtype
        own = asked(gpt)
        exact = asked(gpt.double())
        errors.append(furthest(own, exact))
        assert furthest(table, exact) <= 1e-5 + 10 * errors[-1]

    check()
    assert np.median(errors) < 1e-5


@settings(max_examples=30)
@given(gpts())
def test_one_pass_and_the_prefix_tree_say_the_same(gpt):
    gpt = gpt.double()
    with small_parts(forward_tokens=10**9):
        at_once = context_table(gpt)
    with small_parts():
        by_prefix = context_table(gpt)
    assert furthest(by_prefix, at_once) <= 1e-10


def test_small_gpts_need_no_tree_and_large_ones_no_pass_over_all_their_tokens(monkeypatch):
    calls = []
    monkeypatch.setattr(extract, "PrefixTree", lambda gpt: calls.append("tree") or PrefixTree(gpt))
    monkeypatch.setattr(bg.GPT, "logits", lambda *_: calls.append("pass") or pytest.fail("a pass"))
    context_table(seeded_gpt(bg.GPTConfig(9, 2, 1, 1, 2), 0))
    assert calls == ["tree"]
    monkeypatch.undo()
    monkeypatch.setattr(extract, "PrefixTree", lambda _: pytest.fail("a tree"))
    context_table(seeded_gpt(bg.GPTConfig(8, 2, 1, 1, 2), 0))


@settings(max_examples=20)
@given(gpts())
def test_one_two_and_five_threads_agree_to_rounding(gpt):
    gpt = gpt.double()
    with small_parts():
        one, two, five = (context_table(gpt, threads=threads) for threads in (1, 2, 5))
    assert furthest(two, one) <= 1e-10
    assert furthest(five, one) <= 1e-10


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_number_of_threads_gives_the_same_bits_again(in_small_parts, threads):
    gpt = loud_gpt(MIDDLE, 5)
    tables = [context_table(gpt, threads=threads) for _ in range(5)]
    for table in tables[1:]:
        np.testing.assert_array_equal(table, tables[0])


@pytest.mark.parametrize("config", [bg.GPTConfig(1, 3000, 1, 1, 2), bg.GPTConfig(2, 150, 2, 2, 4, True)])
def test_large_vocabularies_are_read_in_their_real_parts(config):
    gpt = loud_gpt(config, 2).double()
    assert furthest(context_table(gpt, threads=2), asked(gpt)) <= 1e-10


def test_a_real_tree_of_sixteen_thousand_states_read_by_three_threads_agrees_with_the_gpt():
    gpt = loud_gpt(bg.GPTConfig(14, 2, 3, 2, 8, True), 1, 0.2)
    table = context_table(gpt, threads=3)
    with torch.no_grad():
        expected = torch.log_softmax(gpt(torch.from_numpy(all_contexts(2, 14))).double(), dim=-1).numpy()
    np.testing.assert_allclose(table[count_short(2, 14) :], expected, atol=1e-4)


# -- where the table goes ----------------------------------------------------------------------------------------


def arrays(tmp_path, gpt):
    """Yield arrays of every kind that a table can be written to."""
    shape = unread(gpt).shape
    for dtype in (np.float64, np.float32):
        yield unread(gpt, dtype)
        yield np.full(shape, np.nan, dtype, order="F")
        yield np.full((2 * shape[0], 3 * shape[1]), np.nan, dtype)[::-2, 1::3]
        yield np.lib.format.open_memmap(tmp_path / f"{dtype.__name__}.npy", "w+", dtype, shape)


@pytest.mark.parametrize("forward_tokens", [0, 10**9], ids=["tree", "one pass"])
def test_an_array_of_any_kind_is_filled_and_returned(tmp_path, forward_tokens):
    gpt = loud_gpt(MIDDLE, 0)
    with small_parts(forward_tokens=forward_tokens):
        expected = context_table(gpt, threads=2)
        for out in arrays(tmp_path, gpt):
            assert context_table(gpt, out=out, threads=2) is out
            np.testing.assert_array_equal(out, expected.astype(out.dtype))


def test_the_dtype_of_a_given_array_counts_and_not_the_one_that_is_named():
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    assert context_table(gpt, out=np.empty((14, 2), np.float32), dtype=np.float64).dtype == np.float32


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((14, 3)), np.zeros((8, 2)), np.zeros(28), np.zeros((14, 2, 1)), np.zeros((2, 14)).T[:13], np.zeros(()),
        np.zeros((14, 2), np.int64), np.zeros((14, 2), np.float16), np.zeros((14, 2), np.complex128),
        np.zeros((14, 2), ">f8"), np.zeros((14, 2), object),
    ],
    ids=lambda out: f"{out.dtype}{out.shape}",
)  # fmt: skip
def test_an_array_of_another_shape_or_dtype_is_refused_with_the_right_one(out):
    before = out.copy()
    with pytest.raises(SettingError) as error:
        context_table(seeded_gpt(bg.GPTConfig(), 0), out=out)
    for part in (f"{out.dtype} of shape {out.shape}", "float64 or float32", "14 rows", "2 columns", "1 to 3 tokens"):
        assert part in str(error.value)
    np.testing.assert_array_equal(out, before)


def test_an_array_that_cannot_be_written_to_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "_fill", lambda *_: pytest.fail("work"))
    frozen = np.zeros((14, 2))
    frozen.flags.writeable = False
    np.save(tmp_path / "table.npy", np.zeros((14, 2)))
    for out in (frozen, np.load(tmp_path / "table.npy", mmap_mode="r"), np.broadcast_to(0.0, (14, 2))):
        with pytest.raises(SettingError, match="out cannot be written to"):
            context_table(seeded_gpt(bg.GPTConfig(), 0), out=out)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, ">f8", "nonsense", complex])
def test_a_dtype_other_than_two_is_refused(dtype, tmp_path):
    for out in (None, tmp_path / "table.npy"):
        with pytest.raises(SettingError, match="Use float64 or float32"):
            context_table(seeded_gpt(bg.GPTConfig(), 0), dtype=dtype, out=out)
    assert list(tmp_path.iterdir()) == []


def with_length(K):
    """Return a GPT of context length K that takes no memory."""
    with torch.device("meta"):
        return bg.GPT(bg.GPTConfig(block_size=K, n_layer=1, n_head=1, n_embd=1))


@pytest.mark.parametrize("K", [50, 61, 62, 63, 64, 1000, 10**6, 10**9])
def test_enormous_contexts_are_refused_at_once(K, tmp_path):
    gpt = with_length(K)
    started = time.perf_counter()
    with pytest.raises(SizeError, match=f"context_length={K} over 2 symbols.*free memory.*Try context_length="):
        context_table(gpt)
    with pytest.raises(SizeError, match="free on the disk of"):
        context_table(gpt, out=tmp_path / "table.npy")
    with pytest.raises(SettingError, match=f"one for every context of 1 to {K:,} tokens"):
        context_table(gpt, out=np.zeros((14, 2)))
    assert time.perf_counter() - started < 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("forward_tokens", [0, 10**9], ids=["tree", "one pass"])
def test_a_file_holds_what_memory_would_and_comes_back_mapped_for_reading(tmp_path, dtype, forward_tokens):
    gpt, path = loud_gpt(MIDDLE, 0), tmp_path / "table.npy"
    with small_parts(forward_tokens=forward_tokens):
        table = context_table(gpt, out=path, dtype=dtype, threads=2)
        expected = context_table(gpt, dtype=dtype, threads=2)
    assert isinstance(table, np.memmap)
    assert not table.flags.writeable
    assert table.dtype == dtype
    np.testing.assert_array_equal(table, expected)
    np.testing.assert_array_equal(np.load(path), expected)
    assert [p.name for p in tmp_path.iterdir()] == ["table.npy"]
    assert path.stat().st_size == expected.nbytes + 128


def test_a_file_is_named_as_the_caller_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    expected = context_table(gpt)
    for name in ("table.npy", "table", ".hidden", "Ä 语.npy", str(tmp_path / "whole.npy"), "n" * 255):
        np.testing.assert_array_equal(context_table(gpt, out=name), expected)
        assert Path(name).is_file()
    assert len(list(tmp_path.iterdir())) == 6


def test_a_file_does_not_appear_before_it_is_whole(tmp_path, in_small_parts):
    path, seen = tmp_path / "table.npy", []

    def look(read, rows):
        seen.append((path.exists(), [p.name.endswith(".partial") for p in tmp_path.iterdir()]))

    context_table(loud_gpt(MIDDLE, 0), out=path, progress=look)
    assert len(seen) > 5
    assert set(map(str, seen)) == {str((False, [True]))}


def test_an_older_file_is_replaced_whole_and_its_readers_keep_what_they_have(tmp_path):
    path = tmp_path / "table.npy"
    older = context_table(seeded_gpt(bg.GPTConfig(), 0), out=path)
    kept = np.array(older)
    newer = context_table(loud_gpt(bg.GPTConfig(), 1), out=path)
    np.testing.assert_array_equal(older, kept)
    assert not np.array_equal(newer, kept)
    np.testing.assert_array_equal(newer, np.load(path))


@pytest.mark.parametrize("older", [False, True], ids=["new", "over an older file"])
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("moment", [1, 2, 7, "last"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, EnoughError, OSError])
def test_what_progress_raises_ends_the_extraction_and_leaves_no_file(
    tmp_path, in_small_parts, stop, moment, threads, older
):
    path, calls = tmp_path / "table.npy", []
    if older:
        path.write_bytes(b"older")

    def interrupt(read, rows):
        calls.append(read)
        if len(calls) == moment or (moment == "last" and read == rows):
            raise stop

    with pytest.raises(stop) as raised:
        context_table(loud_gpt(MIDDLE, 0), out=path, threads=threads, progress=interrupt)
    assert raised.type is stop
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("table.npy", b"older")] * older
    n_calls = len(calls)
    time.sleep(0.01)
    assert len(calls) == n_calls


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("moment", [1, 6])
def test_what_a_thread_raises_reaches_the_caller_and_leaves_no_file(
    tmp_path, in_small_parts, monkeypatch, threads, moment
):
    write, pieces = extract._write, []

    def fail(table, piece):
        pieces.append(piece)
        if len(pieces) == moment:
            raise EnoughError
        write(table, piece)

    gpt, expected = loud_gpt(MIDDLE, 0), context_table(loud_gpt(MIDDLE, 0), threads=threads)
    monkeypatch.setattr(extract, "_write", fail)
    with pytest.raises(EnoughError):
        context_table(gpt, out=tmp_path / "table.npy", threads=threads)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    with small_parts():
        np.testing.assert_array_equal(context_table(gpt, threads=threads), expected)  # the threads are still there


@pytest.mark.parametrize("threads", [1, 4])
def test_an_array_is_left_alone_once_an_extraction_was_stopped(in_small_parts, threads):
    gpt = loud_gpt(MIDDLE, 0)
    out = unread(gpt)
    with pytest.raises(EnoughError):
        context_table(gpt, out=out, threads=threads, progress=raising(EnoughError))
    then = out.copy()
    assert np.isnan(then).any()
    time.sleep(0.05)
    np.testing.assert_array_equal(out, then)


def raising(error):
    def progress(read, rows):
        raise error

    return progress


def assert_tells_in_one_line(error, path):
    message = str(error.value)
    assert str(path) in message
    assert "cannot be written to " in message
    assert message.endswith(".")
    for part in ("\n", "Errno", "partial"):
        assert part not in message


@pytest.mark.parametrize("name", ["no/such/folder/table.npy", "plain/table.npy", "folder", ".", "", "a" * 252 + ".npy"])
def test_places_where_no_file_can_be_are_told_in_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text("a file, not a folder")
    Path("folder").mkdir()
    with pytest.raises(FileError) as error:
        context_table(seeded_gpt(bg.GPTConfig(), 0), out=name)
    assert_tells_in_one_line(error, Path(name))
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["folder", "plain"]


def test_a_path_that_is_a_folder_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "_fill", lambda *_: pytest.fail("work"))
    with pytest.raises(FileError):
        context_table(seeded_gpt(bg.GPTConfig(), 0), out=tmp_path)


def test_a_folder_that_may_not_be_written_to_is_told_in_one_sentence(tmp_path):
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        try:
            (tmp_path / "probe").touch()
        except PermissionError:
            path = tmp_path / "table.npy"
            with pytest.raises(FileError, match="Permission denied") as error:
                context_table(seeded_gpt(bg.GPTConfig(), 0), out=path)
            assert_tells_in_one_line(error, path)
        else:
            pytest.skip("this user may write everywhere")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("when", ["open", "fallocate", "rename"])
def test_a_disk_that_refuses_is_told_in_one_sentence_and_left_as_it_was(tmp_path, monkeypatch, code, when):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    owner, name = {
        "open": (np.lib.format, "open_memmap"),
        "fallocate": (os, "posix_fallocate"),
        "rename": (Path, "replace"),
    }[when]
    path = tmp_path / "table.npy"
    path.write_bytes(b"older")
    monkeypatch.setattr(owner, name, refuse, raising=False)
    with pytest.raises(FileError, match=os.strerror(code)) as error:
        context_table(seeded_gpt(bg.GPTConfig(), 0), out=path)
    assert_tells_in_one_line(error, path)
    monkeypatch.undo()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("table.npy", b"older")]


@pytest.mark.parametrize(("dtype", "fits"), [(np.float64, 15), (np.float32, 16)])
def test_the_context_length_that_is_advised_is_taken_and_the_next_refused(monkeypatch, dtype, fits):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**20))
    monkeypatch.setattr(extract, "_fill", lambda *_: None)
    assert context_table(with_length(fits), dtype=dtype).nbytes <= 2**20
    with pytest.raises(SizeError, match=f"Try context_length={fits}, "):
        context_table(with_length(fits + 1), dtype=dtype)


def test_a_file_needs_no_memory_for_the_table_and_a_table_in_memory_no_disk(tmp_path, monkeypatch):
    gpt = seeded_gpt(bg.GPTConfig(), 0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
    context_table(gpt, out=tmp_path / "table.npy")
    context_table(gpt, out=np.empty((14, 2)))
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    context_table(gpt)


# -- while it works ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("forward_tokens", [0, 10**9], ids=["tree", "one pass"])
@pytest.mark.parametrize("config", [MIDDLE, bg.GPTConfig(1, 7, 1, 1, 2), bg.GPTConfig(4, 5, 1, 1, 2)])
def test_progress_rises_to_all_rows_on_the_callers_thread(config, threads, forward_tokens):
    seen, where = [], set()

    def progress(read, rows):
        seen.append((read, rows))
        where.add(threading.current_thread())

    with small_parts(forward_tokens=forward_tokens):
        rows = len(context_table(seeded_gpt(config, 0), threads=threads, progress=progress))
    counts = [read for read, _ in seen]
    assert counts == sorted(counts)
    assert counts[0] >= 0
    assert {total for _, total in seen} == {rows}
    assert counts[-1] == rows
    assert counts.count(rows) == 1
    assert where == {threading.current_thread()}
    if config is MIDDLE and not forward_tokens:
        assert len(set(counts)) > 5


def test_progress_counts_only_rows_that_are_written(in_small_parts):
    gpt = loud_gpt(MIDDLE, 0)
    out = unread(gpt)

    def look(read, rows):
        assert (~np.isnan(out[:, 0])).sum() >= read

    context_table(gpt, out=out, threads=3, progress=look)


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_may_itself_extract(in_small_parts, threads):
    gpt, other = loud_gpt(MIDDLE, 0), loud_gpt(bg.GPTConfig(4, 3, 2, 1, 5), 1)
    inner = []
    table = context_table(gpt, threads=threads, progress=lambda *_: inner.append(context_table(other, threads=threads)))
    assert furthest(table, asked(gpt)) < 1e-4
    assert len(inner) > 1
    for one in inner:
        assert furthest(one, asked(other)) < 1e-4


def test_several_callers_at_once_each_get_their_own_table(in_small_parts):
    gpts = [loud_gpt(bg.GPTConfig(7, 2, 2, 1, 4 + i), i).double() for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        tables = list(pool.map(lambda gpt: context_table(gpt, threads=2), gpts))
    for gpt, table in zip(gpts, tables, strict=True):
        assert furthest(table, asked(gpt)) <= 1e-10


@pytest.mark.parametrize("forward_tokens", [0, 10**9], ids=["tree", "one pass"])
@pytest.mark.parametrize("threads", [None, 1, 4])
@pytest.mark.parametrize("ends", [None, EnoughError, KeyboardInterrupt])
def test_torch_numpy_and_the_gpt_are_left_as_they_were_found(three_threads, threads, ends, forward_tokens):
    gpt = loud_gpt(MIDDLE, 0)
    gpt.train()
    weights = {name: weight.clone() for name, weight in gpt.state_dict().items()}
    before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    for grad in (True, False):
        with torch.set_grad_enabled(grad), small_parts(forward_tokens=forward_tokens):
            if ends is None:
                context_table(gpt, threads=threads)
            else:
                with pytest.raises(ends):
                    context_table(gpt, threads=threads, progress=raising(ends))
            assert torch.is_grad_enabled() == grad
            assert not torch.is_inference_mode_enabled()
            assert torch.get_num_threads() == 3
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
    assert gpt.training
    assert all(torch.equal(weight, weights[name]) for name, weight in gpt.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in gpt.parameters())
    gpt(torch.tensor([[0, 1]])).sum().backward()  # it can still be trained


def test_by_default_as_many_threads_work_as_torch_has(three_threads, in_small_parts, monkeypatch):
    at_work = set()
    write = extract._write

    def watched(table, piece):
        at_work.add((threading.current_thread().name, torch.get_num_threads()))
        time.sleep(0.002)
        write(table, piece)

    monkeypatch.setattr(extract, "_write", watched)
    context_table(loud_gpt(MIDDLE, 0))
    assert len(at_work) == 3
    assert {threads for _, threads in at_work} == {1}  # one thread for each operation


@pytest.mark.parametrize("where", ["wte", "wpe", "h.0.attn.c_attn", "h.1.attn.c_attn", "h.1.mlp.c_fc", "ln_f"])
@pytest.mark.parametrize("threads", [1, 3])
def test_weights_that_are_no_numbers_give_rows_that_are_none(in_small_parts, where, threads):
    gpt = loud_gpt(MIDDLE, 0)
    with torch.no_grad():
        gpt.get_submodule(where).weight.view(-1)[0] = math.nan
    assert np.isnan(context_table(gpt, threads=threads)).all()


def test_a_place_that_is_no_number_spoils_only_the_contexts_that_reach_it(in_small_parts):
    gpt = loud_gpt(MIDDLE, 0).double()
    expected = asked(gpt)
    with torch.no_grad():
        gpt.wpe.weight[5, 0] = math.nan
    table = context_table(gpt, threads=3)
    before = count_short(2, 6)  # contexts of 1 to 5 tokens
    assert furthest(table[:before], expected[:before]) <= 1e-10
    assert np.isnan(table[before:]).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("forward_tokens", [0, 10**9], ids=["tree", "one pass"])
def test_a_gpt_in_half_precision_says_about_what_it_says_in_single(dtype, forward_tokens):
    gpt = loud_gpt(MIDDLE, 0, 0.1)
    expected = context_table(gpt)
    with small_parts(forward_tokens=forward_tokens):
        np.testing.assert_allclose(context_table(gpt.to(dtype)), expected, atol=0.1)
