from __future__ import annotations

import sys

import networkx
import numpy as np
import pytest
from scipy import sparse

import babygpt as bg
from babygpt.chain.export import to_networkx, to_prism, to_quantecon
from babygpt.errors import FileError, SettingError


@pytest.mark.parametrize("short", [False, True])
def test_graph_has_every_context_and_every_arrow(article_run, short):
    chain = article_run.chain
    graph = to_networkx(chain, short)
    assert list(graph) == list(chain.contexts(short))
    assert graph.number_of_edges() == (28 if short else 16)
    for tail, head, data in graph.edges(data=True):
        assert (tail + data["token"])[-3:] == head
        assert data["probability"] == pytest.approx(chain[tail][data["token"]], abs=1e-15)
    for context, state in graph.nodes(data="state"):
        assert state == (chain.state(context) if len(context) == 3 else -1)


def test_networkx_finds_one_recurrent_class_and_period_one(article_run):
    graph = article_run.chain.to_networkx(short=True)
    (recurrent,) = networkx.attracting_components(graph)
    assert recurrent == set(article_run.chain.contexts())
    assert networkx.is_aperiodic(graph.subgraph(recurrent))


# -- QuantEcon -------------------------------------------------------------------------------------------------


def test_quantecon_finds_the_same_stationary_distribution(article_run):
    chain = article_run.chain
    theirs = to_quantecon(chain)
    assert np.abs(theirs.P.toarray() - chain.transition_matrix().toarray()).max() < 1e-15
    assert theirs.stationary_distributions == pytest.approx(chain.stationary_distribution()[None], abs=1e-12)
    assert (theirs.is_irreducible, theirs.period) == (True, 1)


def test_quantecon_sees_the_classes_and_periods_of_a_decoded_chain(article_run):
    greedy = article_run.chain.with_decoding(temperature=0)
    theirs = greedy.to_quantecon()
    assert theirs.P.nnz == 8
    recurrent = sorted(sorted(map(int, states)) for states in theirs.recurrent_classes_indices)
    assert recurrent == [states.tolist() for states in greedy.recurrent_classes()] == [[3, 5, 6, 7]]
    assert theirs.stationary_distributions[0] == pytest.approx(greedy.stationary_distribution(), abs=1e-12)
    assert greedy.period() == 4


def test_quantecon_sees_several_recurrent_classes():
    chain = bg.MarkovChain(np.tile([[0.0, -np.inf], [-np.inf, 0.0]], (2, 1)), "ab")  # says its last token again
    theirs = chain.to_quantecon()
    assert theirs.num_recurrent_classes == 2
    assert {tuple(pi) for pi in theirs.stationary_distributions} == {(1, 0, 0, 0), (0, 0, 0, 1)}


def test_quantecon_takes_a_chain_joined_to_a_device(article_run):
    joined = bg.connect(article_run.chain, bg.InputDevice.clock(3, "0"))
    theirs = joined.to_quantecon()
    pis = theirs.stationary_distributions
    assert len(pis) == len(joined.recurrent_classes())
    assert pis[0] == pytest.approx(joined.stationary_distributions()[0], abs=1e-12)


def test_the_exported_matrix_is_not_the_chains_own(article_run):
    before = article_run.chain.probs.copy()
    theirs = to_quantecon(article_run.chain)
    theirs.P.data[:] = 0
    assert np.array_equal(article_run.chain.probs, before)


@pytest.mark.parametrize("ask", [to_quantecon, lambda chain: chain.to_quantecon()])
def test_without_quantecon_the_error_says_how_to_get_it(article_run, monkeypatch, ask):
    monkeypatch.setitem(sys.modules, "quantecon", None)
    with pytest.raises(SettingError, match=r"needs the package quantecon.*pip install quantecon"):
        ask(article_run.chain)


# -- PRISM -----------------------------------------------------------------------------------------------------


def read_prism(tra, sta):
    """Return the matrix and the states (tuples of tokens) of PRISM's two files, and the variables' names."""
    first, *arrows = tra.read_text().splitlines()
    n_states, n_arrows = map(int, first.split())
    assert len(arrows) == n_arrows
    rows, columns, probs = zip(*(line.split() for line in arrows), strict=True)
    places = list(zip(map(int, rows), map(int, columns), strict=True))
    assert places == sorted(set(places))
    matrix = sparse.coo_array((np.array(probs, float), np.array(places).T), shape=(n_states, n_states))
    names, *lines = sta.read_text().splitlines()
    numbers, tuples = zip(*(line.split(":") for line in lines), strict=True)
    assert list(map(int, numbers)) == list(range(n_states))
    states = [tuple(map(int, state.strip("()").split(","))) for state in tuples]
    return matrix, states, names.strip("()").split(",")


def test_prisms_files_hold_the_matrix_and_the_contexts_exactly(article_run, tmp_path):
    chain = article_run.chain
    written = to_prism(chain, tmp_path / "chain")
    assert written == (tmp_path / "chain.tra", tmp_path / "chain.sta")
    matrix, states, names = read_prism(*written)
    assert matrix.nnz == 16
    assert np.array_equal(matrix.toarray(), chain.transition_matrix().toarray())
    assert [chain.vocabulary.decode(list(state)) for state in states] == list(chain.contexts())
    assert names == ["t1", "t2", "t3"]


@pytest.mark.parametrize("name", ["chain", "chain.tra"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_prisms_path_may_be_given_with_its_ending_or_without(article_run, tmp_path, name, kind):
    written = article_run.chain.to_prism(kind(tmp_path / name))
    assert written == (tmp_path / "chain.tra", tmp_path / "chain.sta")
    assert sorted(tmp_path.iterdir()) == sorted(written)


def test_a_dot_in_a_name_is_kept(article_run, tmp_path):
    assert to_prism(article_run.chain, tmp_path / "step.50")[0] == tmp_path / "step.50.tra"


@pytest.mark.parametrize("decoding", [{"temperature": 0}, {"top_k": 1}, {"top_p": 0.6}, {"min_p": 0.5}])
def test_arrows_that_decoding_removed_are_absent_from_prisms_file(article_run, tmp_path, decoding):
    chain = article_run.chain.with_decoding(**decoding)
    matrix, _, _ = read_prism(*to_prism(chain, tmp_path / "chain"))
    assert matrix.nnz == 16 - chain.n_zero_arrows < 16
    assert (matrix.data > 0).all()
    assert np.array_equal(matrix.toarray(), chain.transition_matrix().toarray())


def test_prism_gets_rows_that_sum_to_one_to_the_last_digits(tmp_path):
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.full(5, 0.1), 25) * (1 - 1e-9) + 2e-10  # very unequal
    chain = bg.MarkovChain(np.log(table), "abcde")
    matrix, states, names = read_prism(*to_prism(chain, tmp_path / "chain"))
    assert np.array_equal(matrix.toarray(), chain.transition_matrix().toarray())
    assert matrix.toarray().sum(axis=1) == pytest.approx(1, abs=1e-14)
    assert states[7] == (1, 2)
    assert names == ["t1", "t2"]


def test_prism_is_told_token_numbers_whatever_the_symbols(tmp_path):
    chain = bg.MarkovChain(np.full((9, 3), -np.log(3)), bg.Vocabulary("the, (cat) 床", "words"))
    _, states, _ = read_prism(*to_prism(chain, tmp_path / "chain"))
    assert states == [(a, b) for a in range(3) for b in range(3)]
    assert all(file.read_bytes().isascii() for file in tmp_path.iterdir())


@pytest.mark.parametrize("way", ["no folder", "a folder in the way", "a file as a folder"])
def test_where_prisms_files_cannot_be_written_the_error_names_them(article_run, tmp_path, way):
    base = tmp_path / "chain"
    if way == "no folder":
        base = tmp_path / "none" / "chain"
    elif way == "a folder in the way":
        (tmp_path / "chain.tra").mkdir()
    else:
        (tmp_path / "file").touch()
        base = tmp_path / "file" / "chain"
    with pytest.raises(FileError) as refused:
        article_run.chain.to_prism(base)
    assert str(base) in str(refused.value)
