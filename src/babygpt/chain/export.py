"""The chain in other tools' own objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from babygpt.chain.contexts import all_contexts
from babygpt.chain.states import States
from babygpt.chain.table import ContextTable
from babygpt.errors import SettingError
from babygpt.files import file_errors, whole_files

if TYPE_CHECKING:
    import networkx
    import quantecon


def rows(chain: ContextTable, short: bool = False) -> dict[str, NDArray[Any]]:
    """Return the chain as a table of its arrows, in order of states and tokens.

    ``state`` is the number of the ``context`` and ``next_state`` that of the context ``next``, where the ``token``
    leads with that ``probability``; a short context has the number -1.
    """
    contexts = np.array(list(chain.contexts(short)), dtype=object)
    numbers = np.maximum(np.arange(len(contexts)) - (len(contexts) - chain.n_states), -1)
    matrix, V = chain.transition_matrix(short), len(chain.vocabulary)
    return {
        "state": np.repeat(numbers, V),
        "context": np.repeat(contexts, V),
        "token": np.tile(np.array(chain.vocabulary.symbols, dtype=object), len(contexts)),
        "probability": matrix.data,
        "next_state": numbers[matrix.indices],
        "next": contexts[matrix.indices],
    }


def to_networkx(chain: ContextTable, short: bool = False) -> networkx.DiGraph:
    """Return the chain as a directed graph.

    Nodes are contexts (texts) with their ``state`` number (−1 for a short context); edges carry the ``token`` and
    its ``probability``; an arrow of probability 0 is no edge.
    """
    import networkx  # only those who export wait for it

    graph = networkx.DiGraph()
    contexts = list(chain.contexts(short))
    n_short = len(contexts) - chain.n_states
    graph.add_nodes_from((context, {"state": max(-1, i - n_short)}) for i, context in enumerate(contexts))
    matrix = chain.transition_matrix(short)
    V, symbols = len(chain.vocabulary), chain.vocabulary.symbols
    for i, (heads, probs) in enumerate(
        zip(matrix.indices.reshape(-1, V).tolist(), matrix.data.reshape(-1, V).tolist(), strict=True)
    ):
        for symbol, head, probability in zip(symbols, heads, probs, strict=True):
            if probability > 0:
                graph.add_edge(contexts[i], contexts[head], token=symbol, probability=probability)
    return graph


def to_quantecon(chain: States) -> quantecon.MarkovChain:
    """Return the chain as QuantEcon's Markov chain, its states named by their numbers.

    Raises
    ------
    SettingError
        quantecon is not installed.
    """
    try:
        import quantecon
    except ImportError:
        raise SettingError("to_quantecon() needs the package quantecon. Install it: pip install quantecon") from None
    # QuantEcon takes SciPy's older sparse matrices, and an entry stored as zero for an arrow
    P = chain.transition_matrix()
    P.eliminate_zeros()
    return quantecon.MarkovChain(sparse.csr_matrix(P))


def to_prism(chain: ContextTable, path: str | Path) -> tuple[Path, Path]:
    """Write the chain as a DTMC in PRISM's explicit-state format: ``path``.tra and ``path``.sta; return both paths.

    Both appear or neither; files that are there are replaced.

    The state's variables t1 … tK are the tokens of its context, the oldest first. Read it with
    ``prism -importtrans chain.tra -importstates chain.sta -dtmc``.

    Raises
    ------
    FileError
        The files cannot be written.
    """
    P = chain.transition_matrix()
    P.eliminate_zeros()
    base = str(path).removesuffix(".tra").removesuffix(".sta")
    tails = np.repeat(np.arange(P.shape[0]), np.diff(P.indptr))
    arrows = zip(tails.tolist(), P.indices.tolist(), P.data.tolist(), strict=True)
    contexts = all_contexts(len(chain.vocabulary), chain.context_length).tolist()
    names = ",".join(f"t{i}" for i in range(1, chain.context_length + 1))
    transitions = [f"{P.shape[0]} {P.nnz}", *(f"{s} {t} {p!r}" for s, t, p in arrows)]
    states = [f"({names})", *(f"{s}:({','.join(map(str, tokens))})" for s, tokens in enumerate(contexts))]
    written = Path(base + ".tra"), Path(base + ".sta")
    with file_errors(base, "chain"), whole_files(written, "chain") as parts:
        for part, lines in zip(parts, (transitions, states), strict=True):
            part.write_text("\n".join([*lines, ""]), encoding="ascii", newline="\n")
    return written
