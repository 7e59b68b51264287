"""BabyGPT: GPTs small enough to be known completely.

>>> import babygpt as bg
>>> run = bg.train("111101111011110", context_length=3, steps=50, seed=1337)
>>> {token: round(p, 2) for token, p in run.chain["101"].items()}
{'0': 0.21, '1': 0.79}

Names are loaded when they are first used, so that what needs no torch does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from babygpt.extras import package_errors
from babygpt.picture import drawn_by
from babygpt.version import __version__ as __version__

if TYPE_CHECKING:
    from babygpt.chain.chain import MarkovChain
    from babygpt.chain.extract import context_table
    from babygpt.chain.input_device import InputDevice, connect
    from babygpt.errors import (
        BabyGPTError,
        ContextError,
        ConvergenceError,
        DivergedError,
        EncodingError,
        FileError,
        InputDeviceError,
        InputError,
        MissingGlyphWarning,
        MissingPackageError,
        ModelError,
        RunError,
        SequenceError,
        SettingError,
        SizeError,
        SweepError,
        VocabularyError,
    )
    from babygpt.gpt.config import GPTConfig, TrainConfig
    from babygpt.gpt.corpus import Corpus
    from babygpt.gpt.model import GPT
    from babygpt.gpt.train import fit
    from babygpt.gpt.vocabulary import Vocabulary
    from babygpt.lab.attribute import Attribution, attribute
    from babygpt.lab.hidden_markov import Source
    from babygpt.lab.judge import Judgement, judge
    from babygpt.lab.seed_study import SeedStudy, study
    from babygpt.lab.sweep import Sweep, sweep
    from babygpt.run.ensemble import Ensemble
    from babygpt.run.run import Run
    from babygpt.run.training import train
    from babygpt.studio.notebook import Studio as Studio

_HOME = {
    "babygpt.chain.chain": ["MarkovChain"],
    "babygpt.chain.input_device": ["InputDevice", "connect"],
    "babygpt.chain.extract": ["context_table"],
    "babygpt.errors": [
        "BabyGPTError",
        "ContextError",
        "ConvergenceError",
        "DivergedError",
        "EncodingError",
        "FileError",
        "InputDeviceError",
        "InputError",
        "MissingGlyphWarning",
        "MissingPackageError",
        "ModelError",
        "RunError",
        "SequenceError",
        "SettingError",
        "SizeError",
        "SweepError",
        "VocabularyError",
    ],
    "babygpt.gpt.config": ["GPTConfig", "TrainConfig"],
    "babygpt.gpt.corpus": ["Corpus"],
    "babygpt.gpt.model": ["GPT"],
    "babygpt.gpt.train": ["fit"],
    "babygpt.gpt.vocabulary": ["Vocabulary"],
    "babygpt.lab.attribute": ["Attribution", "attribute"],
    "babygpt.lab.hidden_markov": ["Source"],
    "babygpt.lab.judge": ["Judgement", "judge"],
    "babygpt.lab.seed_study": ["SeedStudy", "study"],
    "babygpt.lab.sweep": ["Sweep", "sweep"],
    "babygpt.run.ensemble": ["Ensemble"],
    "babygpt.run.run": ["Run"],
    "babygpt.run.training": ["train"],
    "babygpt.studio.notebook": ["Studio"],  # needs an extra: not among what * brings
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

drawn_by("chain", "babygpt.draw.graph:draw_chain")
drawn_by("run", "babygpt.draw.summary:run_html")
drawn_by("losses", "babygpt.draw.plots:draw_losses")
drawn_by("Comparison", "babygpt.draw.differences:draw_differences")
drawn_by("Trace", "babygpt.draw.plots:draw_trace")
drawn_by("SeedStudy", "babygpt.draw.seed_hills:draw_seeds")
drawn_by("Attribution", "babygpt.draw.attribute:draw_attribution")
drawn_by("page", "babygpt.studio.page:page_of_run")
drawn_by("widget", "babygpt.studio.notebook:studio_of_run")
drawn_by("chain widget", "babygpt.studio.chain_widget:ChainWidget")

__all__ = [
    "GPT",
    "Attribution",
    "BabyGPTError",
    "ContextError",
    "ConvergenceError",
    "Corpus",
    "DivergedError",
    "EncodingError",
    "Ensemble",
    "FileError",
    "GPTConfig",
    "InputDevice",
    "InputDeviceError",
    "InputError",
    "Judgement",
    "MarkovChain",
    "MissingGlyphWarning",
    "MissingPackageError",
    "ModelError",
    "Run",
    "RunError",
    "SeedStudy",
    "SequenceError",
    "SettingError",
    "SizeError",
    "Source",
    "Sweep",
    "SweepError",
    "TrainConfig",
    "Vocabulary",
    "VocabularyError",
    "attribute",
    "connect",
    "context_table",
    "fit",
    "judge",
    "study",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        with package_errors():
            return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
