from __future__ import annotations

import pickle
from functools import cached_property
from itertools import product

import numpy as np
import pytest
import torch

import babygpt as bg
from babygpt.chain.input_device import ConnectedChain
from babygpt.chain.joined import JoinedChain
from babygpt.chain.stationary import stationary_distribution
from babygpt.errors import ContextError, SettingError, VocabularyError
from babygpt.gpt.model import seeded_gpt

ARTICLE_PI = [0.0183, 0.0530, 0.0494, 0.1862, 0.0530, 0.1827, 0.1862, 0.2712]
ARTICLE_P1 = [0.7316, 0.7814, 0.7578, 0.7956, 0.7475, 0.7929, 0.7799, 0.4536]
SIZES = [(2, 1), (2, 3), (3, 2), (2, 5), (4, 3), (5, 2)]


def random_chain(V, K, seed=0, short=False):
    rng = np.random.default_rng(seed)
    rows = sum(V**t for t in range(1, K)) if short else 0
    table = rng.dirichlet(np.ones(V), size=rows + V**K)
    return bg.MarkovChain(np.log(table[rows:]), None, np.log(table[:rows]) if rows else None)


def uniform_chain(V, K):
    return bg.MarkovChain(np.full((V**K, V), -np.log(V)))


# -- the article's chain ------------------------------------------------------------------------------------


def test_article_arrows_after_fifty_steps(article_run):
    chain = article_run.chain
    assert list(chain.contexts()) == ["000", "001", "010", "011", "100", "101", "110", "111"]
    np.testing.assert_allclose(chain.probs[:, 1], ARTICLE_P1, atol=1e-4)
    percent = {c: round(100 * chain[c]["1"]) for c in ("101", "111", "000")}
    assert percent == {"101": 79, "111": 45, "000": 73}
    assert round(100 * chain["111"]["0"]) == 55


def test_article_stationary_distribution_and_entropy_rate(article_run):
    np.testing.assert_allclose(article_run.chain.stationary_distribution(), ARTICLE_PI, atol=1e-4)
    assert article_run.chain.entropy_rate() == pytest.approx(0.56821, abs=1e-5)
    assert article_run.chain.entropy_rate(base=2) == pytest.approx(0.56821 / np.log(2), abs=2e-5)


def test_article_greedy_walk_ends_in_one_cycle_of_four(article_run):
    chain = article_run.chain
    follow = chain.successors()[np.arange(8), chain.probs.argmax(axis=1)]
    attractor = set(range(8))
    for _ in range(8):
        attractor = {int(follow[s]) for s in attractor}
    assert {chain.context(s) for s in attractor} == {"111", "110", "101", "011"}
    assert [chain.context(int(follow[chain.state(s)])) for s in ("111", "110", "101", "011")] == [
        "110", "101", "011", "111",
    ]  # fmt: skip


def test_article_second_eigenvalue(article_run):
    sizes = np.sort(np.abs(np.linalg.eigvals(article_run.chain.transition_matrix().toarray())))
    assert sizes[-1] == pytest.approx(1, abs=1e-12)
    assert sizes[-2] == pytest.approx(0.6175, abs=1e-4)


def test_article_distance_from_equilibrium_after_one_to_four_tokens(article_run):
    P, pi = article_run.chain.transition_matrix().toarray(), article_run.chain.stationary_distribution()
    worst = [np.abs(np.linalg.matrix_power(P, n) - pi).sum(axis=1).max() / 2 for n in (1, 2, 3, 4)]
    np.testing.assert_allclose(worst, [0.9288, 0.6931, 0.2517, 0.1728], atol=1e-4)


# -- what holds for any GPT ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_transition_matrix_moves_each_text_to_the_texts_one_token_on(V, K):
    chain = random_chain(V, K)
    P = chain.transition_matrix().toarray()
    texts = list(chain.contexts())
    assert texts == ["".join(t) for t in product("01234"[:V], repeat=K)]
    expected = np.zeros_like(P)
    for i, text in enumerate(texts):
        for token, p in chain[text].items():
            expected[i, texts.index((text + token)[1:])] += p
    np.testing.assert_array_equal(P, expected)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_adjacency_has_v_to_the_n_closed_walks_and_one_k_step_path_between_any_two(V, K):
    A = (random_chain(V, K).transition_matrix().toarray() > 0).astype(np.int64)
    assert (A.sum(axis=0) == V).all()
    assert (A.sum(axis=1) == V).all()
    assert np.flatnonzero(np.diag(A)).tolist() == [t * (V**K - 1) // (V - 1) for t in range(V)]
    for n in range(1, 7):
        assert np.trace(np.linalg.matrix_power(A, n)) == V**n
    assert (np.linalg.matrix_power(A, K) == 1).all()


@pytest.mark.parametrize(("V", "K"), [(2, 3), (3, 2), (4, 2)])
def test_k_steps_from_one_context_to_another_are_a_product_of_k_arrows(V, K):
    chain = random_chain(V, K)
    power = np.linalg.matrix_power(chain.transition_matrix().toarray(), K)
    for a, b in product(chain.contexts(), repeat=2):
        p = np.prod([chain[(a + b)[i : i + K]][(a + b)[i + K]] for i in range(K)])
        assert power[chain.state(a), chain.state(b)] == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_a_gpt_with_equal_logits_forgets_everything_in_k_tokens(V, K):
    gpt = seeded_gpt(bg.GPTConfig(K, V, 1, 1, 4), 0)
    with torch.no_grad():
        gpt.lm_head.weight.zero_()
    chain = bg.MarkovChain.from_model(gpt)
    N = V**K
    P = chain.transition_matrix().toarray()
    np.testing.assert_allclose(np.linalg.matrix_power(P, K), np.full((N, N), 1 / N), rtol=1e-14)
    np.testing.assert_allclose(chain.stationary_distribution(), np.full(N, 1 / N), rtol=1e-13)
    assert chain.entropy_rate(base=V) == pytest.approx(1, abs=1e-14)


def test_a_source_of_order_one_has_its_stationary_distribution_at_every_context_length():
    p, q = 0.2, 0.7  # 0 → 1 with p, 1 → 0 with q
    for K in (1, 2, 4):
        chain = bg.MarkovChain(np.log([[1 - p, p] if s % 2 == 0 else [q, 1 - q] for s in range(2**K)]))
        pi = chain.stationary_distribution()
        np.testing.assert_allclose([pi[0::2].sum(), pi[1::2].sum()], [q / (p + q), p / (p + q)], rtol=1e-13)
        h = [-(x * np.log(x) + (1 - x) * np.log(1 - x)) for x in (p, q)]
        assert chain.entropy_rate() == pytest.approx((q * h[0] + p * h[1]) / (p + q), rel=1e-12)


@pytest.mark.parametrize("K", [1, 2, 3, 5])
def test_determinant_of_a_binary_chain_is_the_product_of_what_the_oldest_token_changes(K):
    chain = random_chain(2, K, seed=K)
    product_over_words = 1.0
    for word in product("01", repeat=K - 1):
        tail = "".join(word)
        product_over_words *= abs(chain["0" + tail]["0"] - chain["1" + tail]["0"])
    det = abs(np.linalg.det(chain.transition_matrix().toarray()))
    assert det == pytest.approx(product_over_words, rel=1e-9)


@pytest.mark.parametrize(("V", "K"), [(2, 3), (3, 3), (5, 2)])
def test_as_much_flows_into_each_word_as_out_of_it(V, K):
    chain = random_chain(V, K)
    pi = dict(zip(chain.contexts(), chain.stationary_distribution(), strict=True))
    tokens = chain.vocabulary.symbols
    for word in map("".join, product(tokens, repeat=K - 1)):
        assert sum(pi[a + word] for a in tokens) == pytest.approx(sum(pi[word + b] for b in tokens), rel=1e-12)


def test_entropy_rate_is_the_growth_of_the_entropy_of_blocks():
    """H = H(K + 1 tokens) − H(K tokens), a road without conditional entropies."""
    chain = random_chain(3, 3, seed=2)
    pi = chain.stationary_distribution()
    longer = (pi[:, None] * chain.probs).ravel()
    h = -(longer * np.log(longer)).sum() + (pi * np.log(pi)).sum()
    assert chain.entropy_rate() == pytest.approx(h, rel=1e-12)
    assert chain.entropy_rate() <= np.log(3)


def test_renaming_tokens_in_the_gpt_permutes_the_chain():
    gpt = seeded_gpt(bg.GPTConfig(2, 3, 2, 2, 8), 5)
    renamed = seeded_gpt(bg.GPTConfig(2, 3, 2, 2, 8), 5)
    order = [2, 0, 1]
    with torch.no_grad():
        for model in (gpt, renamed):
            model.wte.weight.mul_(20)
        renamed.wte.weight.copy_(renamed.wte.weight[order].clone())
    chain = bg.MarkovChain.from_model(gpt, "abc")
    again = bg.MarkovChain.from_model(renamed, ["abc"[i] for i in order])
    for context in chain.contexts():
        for symbol, p in chain[context].items():
            assert again[context][symbol] == pytest.approx(p, abs=1e-6)


# -- the states of a start ----------------------------------------------------------------------------------


def test_article_chain_with_short_contexts_has_fourteen_states(article_run):
    chain = article_run.chain
    P = chain.transition_matrix(short=True).toarray()
    texts = list(chain.contexts(short=True))
    assert P.shape == (14, 14)
    assert texts == ["0", "1", "00", "01", "10", "11", *chain.contexts()]
    expected = np.zeros((14, 14))
    for i, text in enumerate(texts):
        for token, p in chain[text].items():
            expected[i, texts.index((text + token)[-3:])] += p
    np.testing.assert_array_equal(P, expected)
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize(("V", "K"), [(2, 3), (3, 3), (4, 2), (2, 1)])
def test_short_contexts_are_transient_and_add_only_zeros_to_the_spectrum(V, K):
    chain = random_chain(V, K, short=True)
    P = chain.transition_matrix(short=True).toarray()
    n_short = len(P) - chain.n_states
    assert n_short == sum(V**t for t in range(1, K))
    np.testing.assert_array_equal(P[n_short:, n_short:], chain.transition_matrix().toarray())
    assert not P[n_short:, :n_short].any()  # no way back
    # nilpotent: all its eigenvalues are 0
    assert not np.linalg.matrix_power(P[:n_short, :n_short], max(1, K - 1)).any()


def test_a_chain_without_short_contexts_says_so():
    chain = uniform_chain(2, 3)
    with pytest.raises(ContextError, match="only full contexts"):
        chain.transition_matrix(short=True)
    with pytest.raises(ContextError, match=r"'10' has 2 tokens.*only contexts of 3.*Give 3 tokens"):
        chain["10"]


def test_the_transition_matrix_is_the_callers_to_change(article_run):
    chain = bg.MarkovChain(article_run.chain.log_probs)
    before = chain.probs.copy()
    P = chain.transition_matrix()
    P.data *= 2
    np.testing.assert_array_equal(chain.probs, before)


def test_the_stationary_distribution_is_the_callers_to_change():
    chain = random_chain(2, 3)
    first = chain.stationary_distribution()
    first[:] = 0
    assert chain.stationary_distribution().sum() == pytest.approx(1)


# -- asking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_states_and_contexts_name_each_other(V, K):
    chain = random_chain(V, K)
    assert (chain.n_states, chain.n_arrows, chain.context_length) == (V**K, V ** (K + 1), K)
    for state, text in enumerate(chain.contexts()):
        assert chain.context(state) == text
        assert chain.state(text) == state
        assert chain.state([int(c) for c in text]) == state


def test_a_row_is_told_by_symbol():
    chain = bg.MarkovChain(np.log([[0.9, 0.1], [0.3, 0.7]]), "ab")
    assert chain["a"] == pytest.approx({"a": 0.9, "b": 0.1})
    assert chain.row("b") == pytest.approx(np.log([0.3, 0.7]))


def test_words_name_states_too():
    chain = bg.MarkovChain(np.log(np.full((4, 2), 0.5)), bg.Vocabulary("sun rain", tokens="words"))
    assert chain.context(1) == "sun rain"
    assert chain.state("rain sun") == 2
    assert chain["rain rain"] == {"sun": 0.5, "rain": 0.5}


def test_more_than_ten_symbols_are_numbered_as_words():
    chain = uniform_chain(12, 2)
    assert chain.context(chain.state("11 0")) == "11 0"


def test_article_chain_introduces_itself(article_run):
    assert repr(article_run.chain) == "MarkovChain(8 states, 16 arrows, 2 symbols, context length 3)"


@pytest.mark.parametrize("context", ["", "1", "10", "1011", [1, 0], []])
def test_states_have_exactly_k_tokens(article_run, context):
    n = len(context)
    with pytest.raises(ContextError, match=f"has {n} token.*has 3"):
        article_run.chain.state(context)


@pytest.mark.parametrize("context", ["", "1011", "111101111011110"])
def test_contexts_have_one_to_k_tokens(article_run, context):
    with pytest.raises(ContextError, match=f"has {len(context)} token.*1 to 3"):
        article_run.chain[context]


def test_a_context_error_is_a_key_error_that_reads_as_a_sentence(article_run):
    with pytest.raises(KeyError) as error:
        article_run.chain["1011"]
    assert str(error.value).startswith("'1011' has 4 tokens")


@pytest.mark.parametrize("context", ["1a1", [0, 1, 2], "12"])
def test_unknown_symbols_in_a_context_are_refused(article_run, context):
    with pytest.raises(VocabularyError):
        article_run.chain[context]
    with pytest.raises(VocabularyError):
        article_run.chain.state(context)


@pytest.mark.parametrize("state", [-1, 8, 10**30, 1.0, "5", True, None])
def test_unknown_state_numbers_are_refused_with_those_there_are(article_run, state):
    with pytest.raises(ContextError, match=r"no state.*0 to 7"):
        article_run.chain.context(state)


def test_numpy_integers_are_state_numbers(article_run):
    assert article_run.chain.context(np.int64(5)) == "101"


# -- tables -------------------------------------------------------------------------------------------------


def test_rows_off_by_float32_rounding_are_put_right():
    table = np.log(np.random.default_rng(0).dirichlet(np.ones(3), size=27)).astype(np.float32)
    chain = bg.MarkovChain(table)
    assert np.abs(np.exp(table.astype(np.float64)).sum(axis=1) - 1).max() > 1e-10
    assert np.abs(chain.probs.sum(axis=1) - 1).max() < 1e-14
    np.testing.assert_allclose(chain.log_probs, table, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.5, -0.5, 1e-4])
def test_rows_that_are_no_distribution_are_refused_by_number(bad):
    table = np.log(np.full((8, 2), 0.5))
    table[5, 1] += bad
    with pytest.raises(SettingError, match=r"Row 5 of log_probs is no distribution.*not 1.*logarithms"):
        bg.MarkovChain(table)


def test_probabilities_given_for_log_probabilities_are_refused():
    with pytest.raises(SettingError, match="natural logarithms"):
        bg.MarkovChain([[0.5, 0.5], [0.1, 0.9]])


@pytest.mark.parametrize(
    "table",
    [np.log(np.full((3, 2), 0.5)), np.log(np.full((6, 2), 0.5)), np.log(np.full((1, 2), 0.5)), np.zeros((4, 1)),
     np.log([0.5, 0.5]), np.log(np.full((2, 2, 2), 0.5)), np.zeros((0, 2)), np.zeros((2, 0)), 3.0],
)  # fmt: skip
def test_tables_of_the_wrong_shape_are_refused(table):
    with pytest.raises(SettingError):
        bg.MarkovChain(table)


@pytest.mark.parametrize("table", [[["a", "b"], ["c", "d"]], [[0.5, 0.5], [1.0]], None])
def test_tables_that_are_no_tables_of_numbers_are_refused(table):
    with pytest.raises(SettingError):
        bg.MarkovChain(table)


def test_the_wrong_number_of_rows_is_told_with_the_right_ones():
    with pytest.raises(SettingError, match=r"over 3 symbols has 3, 9, 27, … states; the table has 10 rows"):
        bg.MarkovChain(np.full((10, 3), -np.log(3)))


def test_symbols_must_be_as_many_as_columns(article_run):
    with pytest.raises(SettingError, match="2 columns and the vocabulary 3 symbols"):
        bg.MarkovChain(article_run.chain.log_probs, "abc")
    with pytest.raises(SettingError, match="2 columns and the vocabulary 3 symbols"):
        bg.MarkovChain.from_model(article_run.gpt, "abc")


def test_short_tables_of_the_wrong_shape_are_refused():
    full = np.log(np.full((8, 2), 0.5))
    with pytest.raises(SettingError, match=r"\(5, 2\).*1 to 2 tokens over 2 symbols need \(6, 2\)"):
        bg.MarkovChain(full, None, full[:5])
    with pytest.raises(SettingError, match="Row 2 of short_log_probs"):
        bg.MarkovChain(full, None, np.vstack([full[:2], [[0.0, 0.0]], full[:3]]))


@pytest.mark.parametrize(("V", "K"), SIZES)
def test_a_table_with_a_row_for_every_context_is_split_into_short_ones_and_states(V, K):
    chain = random_chain(V, K, short=True)
    table = chain.log_probs if K == 1 else np.concatenate([chain.short_log_probs, chain.log_probs])
    again = bg.MarkovChain.from_table(table)
    np.testing.assert_array_equal(again.log_probs, chain.log_probs)
    if K > 1:
        np.testing.assert_array_equal(again.short_log_probs, chain.short_log_probs)


def test_a_true_zero_is_counted_kept_and_costs_no_entropy():
    with np.errstate(divide="ignore"):
        chain = bg.MarkovChain(np.log([[0.0, 1.0], [0.5, 0.5]]))
    assert chain.n_zero_arrows == 1
    assert chain["0"] == {"0": 0.0, "1": 1.0}
    assert chain.transition_matrix().nnz == 4
    # π = (1/3, 2/3) by hand; only state 1 tosses a coin
    assert chain.entropy_rate() == pytest.approx(2 / 3 * np.log(2))


def test_arrows_that_underflow_are_counted():
    chain = bg.MarkovChain([[0.0, -800.0], [-800.0, 0.0]])
    assert chain.n_zero_arrows == 2
    assert chain.row("0")[1] == -800.0
    assert uniform_chain(2, 3).n_zero_arrows == 0


# -- the classes -------------------------------------------------------------------------------------------------


def test_no_kind_of_chain_overrides_what_another_has_written_out():
    kinds = [bg.MarkovChain, ConnectedChain, JoinedChain]
    for kind in kinds:
        written: dict[str, type] = {}
        for base in reversed(kind.__mro__[:-1]):
            for name, member in vars(base).items():
                if name.startswith("_") or not (callable(member) or isinstance(member, (property, cached_property))):
                    continue
                overridden = getattr(written.get(name), name, None)
                assert overridden is None or getattr(overridden, "__isabstractmethod__", False), (kind, name)
                written[name] = base


def test_what_is_kept_of_a_chain_is_computed_once_and_handed_out_as_a_copy(article_run):
    chain = bg.MarkovChain(article_run.chain.log_probs)
    chain.stationary_distribution()[:] = 0
    chain.recurrent_classes()[0][:] = 0
    assert chain.stationary_distribution().sum() == pytest.approx(1)
    assert chain.recurrent_classes()[0].tolist() == list(range(8))
    assert stationary_distribution(chain) is stationary_distribution(chain)


def test_a_chain_with_kept_answers_can_be_pickled(article_run):
    chain = bg.MarkovChain(article_run.chain.log_probs)
    pi = chain.stationary_distribution()
    assert pickle.loads(pickle.dumps(chain)).stationary_distribution().tolist() == pi.tolist()
