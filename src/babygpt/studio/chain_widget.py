"""A chain in a cell of a notebook: its graph, to be looked at state by state, without a training (anywidget)."""

from __future__ import annotations

import base64
import html
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from babygpt.errors import BabyGPTError, SizeError
from babygpt.extras import package_errors
from babygpt.studio.cell import Cell
from babygpt.studio.exports import MEDIA

with package_errors():
    import traitlets

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain

MOST_DRAWN = 256  # states, as on the screen
HEIGHT = 480  # pixels


class ChainWidget(Cell):
    """A chain as a graph in a cell: states are selected, and a ball walks along the arrows that are clicked.

    Attributes
    ----------
    chain
        The chain.
    selected
        The context of the state that is selected, as it is written; None if none is. Set it to select one; observe it
        as any trait: ``widget.observe(show, "selected")``.

    Raises
    ------
    SizeError
        The chain has more than 256 states.
    SettingError
        There is no such language or height.
    """

    facts = traitlets.Dict().tag(sync=True)
    state = traitlets.Int(None, allow_none=True).tag(sync=True)
    selected = traitlets.Unicode(None, allow_none=True)

    def __init__(self, chain: MarkovChain, *, lang: str | None = None, height: int = HEIGHT) -> None:
        self.check_look(lang, height)
        if chain.n_states > MOST_DRAWN:
            raise SizeError(
                f"A graph of {chain.n_states:,} states cannot be looked at one by one; the limit is {MOST_DRAWN}. "
                "chain.plot() draws a map of them."
            )
        self.chain = chain
        super().__init__(facts=_facts(chain), lang=lang, height=height)

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> Any:
        if proposal["value"] is not None:
            self.chain.state(proposal["value"])  # tells what is wrong with it
        return proposal["value"]

    @traitlets.validate("state")
    def _check_state(self, proposal: Any) -> Any:
        state = proposal["value"]
        return state if state is not None and 0 <= state < self.chain.n_states else None

    @traitlets.observe("selected")
    def _select(self, change: Any) -> None:
        self.state = None if change["new"] is None else self.chain.state(change["new"])

    @traitlets.observe("state")
    def _selected_there(self, change: Any) -> None:
        self.selected = None if change["new"] is None else self.chain.context(change["new"])

    def _still(self) -> str:
        told, picture = html.escape(repr(self)), ""
        with suppress(BabyGPTError):
            svg = base64.b64encode(self.chain.plot().svg.encode()).decode()
            picture = f'<img alt="{told}" src="data:{MEDIA["svg"]};base64,{svg}">'
        return f"<figure>{picture}<figcaption>{told}</figcaption></figure>"

    def __repr__(self) -> str:
        return f"ChainWidget({self.chain.n_states:,} states)"


def _facts(chain: MarkovChain) -> dict[str, Any]:
    vocabulary = chain.vocabulary
    pi = None
    with suppress(BabyGPTError):  # several classes have several long runs
        pi = chain.stationary_distribution().tolist()
    return {
        "symbols": list(vocabulary.symbols),
        "labels": [vocabulary.label([token]) for token in range(len(vocabulary))],
        "separator": vocabulary.separator,
        "context_length": chain.context_length,
        "values": chain.probs.ravel().tolist(),
        "pi": pi,
    }
