"""A run in a notebook: what was trained, how far it came, its chain and its losses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from babygpt.draw.graph import draw_chain
from babygpt.draw.plots import draw_losses

if TYPE_CHECKING:
    from babygpt.picture import Picture
    from babygpt.run.run import Run


def run_html(run: Run) -> str:
    """Return the summary of a run as HTML that needs nothing from elsewhere."""
    corpus, config = run.corpus, run.config
    facts = [
        ("data", f"{corpus.amount}, {len(corpus.contexts):,} of {run.history.n_states:,} contexts seen"),
        ("model", f"{run.config.n_parameters:,} parameters: {config.n_layer} layers, {config.n_head} heads, "
                  f"width {config.n_embd}, context length {config.block_size}, {config.vocab_size} symbols"),
        ("training", f"{run.steps:,} steps, seed {run.train_config.seed}, learning rate "
                     f"{run.train_config.learning_rate:g}, weight decay {run.train_config.weight_decay:g}"),
    ]  # fmt: skip
    if run.steps:
        facts.append(("loss", f"{run.losses[0]:.4f} → {run.losses[-1]:.4f} nats per token; floor {run.floor:.4f}"))
    rows = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{fact}</td></tr>" for name, fact in facts)
    pictures = _image(draw_chain(run.chain, seen=corpus.states.tolist()), "the chain")
    if run.steps:
        pictures += _image(draw_losses(run), "the loss at each step")
    return f"<table>{rows}</table><div>{pictures}</div>"


def _image(picture: Picture, alt: str) -> str:
    # as an image of its own, so that two pictures on a page cannot disturb each other's ids
    data = base64.b64encode(picture.render("svg")).decode()
    return f"<img alt='{alt}' style='max-width:48%;vertical-align:middle' src='data:image/svg+xml;base64,{data}'>"
