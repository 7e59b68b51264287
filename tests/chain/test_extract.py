from __future__ import annotations

import threading
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.chain import extract
from babygpt.chain.extract import context_table, log_softmax
from babygpt.errors import FileError, SettingError, SizeError
from babygpt.gpt import prefixes
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
    with pytest.raises(SizeError, match=r"take 16\.0 KiB; there is 9\.8 KiB free memory\. Try context_length=8"):
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


@pytest.mark.parametrize("settings", [{"dtype": np.int32}, {"dtype": "float16"}, {"threads": 0}, {"threads": 1.5}])
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
