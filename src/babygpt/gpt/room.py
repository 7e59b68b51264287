"""What a GPT and its training take, in memory and in time, told before anything is built.

A GPT of P parameters keeps COPIES·P numbers while it trains: weights, gradients, AdamW's two means, and a copy of all
but the gradients to go back to. Besides, each block of it is a handful of torch's objects, however narrow it is; each
example drawn for a step and each step done leave some bytes; and a step holds the activations of the contexts it reads.

Time is bounded from below: a machine faster than any of today is still too slow for what is refused here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from babygpt.errors import SizeError
from babygpt.gpt.checks import human_bytes
from babygpt.gpt.config import GPTConfig, TrainConfig

# What a training keeps of each parameter: weight, gradient, AdamW's two means, and a copy of all but the gradient.
COPIES = 7
# And what a run that is made of it keeps besides: weights and AdamW's two means.
SAVED_COPIES = 3
# Bytes of a block besides its numbers: modules and tensors as objects, and what the backward pass notes. Measured:
# a block of width 16 takes 200 to 230 KiB, of which 120 are its numbers.
BLOCK_OBJECTS = 100 * 2**10
# Bytes of a step done: its loss in a list, in the run's array, and in the text of run.json.
STEP_BYTES = 100
# Bytes of an example drawn for a step: its number, its place among the counts, its context and its token.
EXAMPLE_BYTES = 40
# Blocks take time however narrow they are, about half a millisecond to build and as long in each step.
MAX_LAYERS = 20_000
# Activations that a token leaves for the backward pass, per layer and width.
PER_WIDTH = 20
# What takes less than this is not asked about: it fits, or nothing does.
SMALL = 2**26
# What no machine of today betters: operations a microsecond, and microseconds for giving out a block's operations.
FASTEST = {"cpu": 10**7, "cuda": 10**9, "mps": 10**8}
FASTEST_BLOCK = 20
YEAR = 365 * 24 * 3600 * 10**6  # microseconds

# Where Linux tells a container's limit and what it has taken, in its second and its first version.
CONTAINERS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

Fits = Callable[[GPTConfig, TrainConfig], bool]


def free_memory() -> int:
    """Return the bytes of memory that this process may still take: the machine's, or what its container leaves it."""
    free = int(psutil.virtual_memory().available)
    for limit, used in CONTAINERS:
        try:
            free = min(free, max(0, int(Path(limit).read_text()) - int(Path(used).read_text())))
        except (OSError, ValueError):  # no container, or one without a limit ("max")
            continue
    return free


def check_memory(takes: int, what: str, advice: str) -> None:
    """Raise :class:`SizeError` if ``what`` takes more bytes than are free; ``advice`` is what to try."""
    if takes > SMALL and takes > (free := free_memory()):
        raise SizeError(f"{what} would take {human_bytes(takes)}; {human_bytes(free)} of memory are free. {advice}")


def gpt_bytes(config: GPTConfig) -> int:
    """Return about how many bytes a GPT takes that is not trained."""
    return 4 * config.n_parameters + config.n_layer * BLOCK_OBJECTS // 2


def training_bytes(config: GPTConfig, n_gpts: int = 1, n_stacks: int = 1) -> int:
    """Return about how many bytes GPTs and AdamW's memory take in training, stacked on each other so many times."""
    return 4 * COPIES * config.n_parameters * n_gpts + config.n_layer * BLOCK_OBJECTS * n_stacks


def per_token(config: GPTConfig) -> int:
    """Return how many numbers a token that is read leaves for the backward pass."""
    return PER_WIDTH * config.n_layer * config.n_embd + config.vocab_size


def step_bytes(config: GPTConfig, train_config: TrainConfig, n_contexts: int, at_once: int | None = None) -> int:
    """Return about how many bytes a step takes that reads ``n_contexts`` contexts, ``at_once`` of them in one go."""
    K, V = config.block_size, config.vocab_size
    activations = 4 * min(n_contexts, at_once or n_contexts) * K * per_token(config)
    return activations + n_contexts * (8 * K + 12 * V) + EXAMPLE_BYTES * (train_config.batch_size or 0)


def least_time(config: GPTConfig, train_config: TrainConfig, n_contexts: int, n_gpts: int = 1) -> int:
    """Return the microseconds that the fastest machine needs for a training that reads ``n_contexts`` each step.

    Whole numbers, which do not overflow: settings may be of any size.
    """
    operations = 6 * config.n_parameters * n_contexts * config.block_size * n_gpts  # forward, and twice that back
    fastest = FASTEST.get(train_config.device.split(":")[0], FASTEST["cuda"])
    return train_config.steps * max(operations // fastest, config.n_layer * FASTEST_BLOCK)


def check_gpt(config: GPTConfig) -> None:
    """Raise :class:`SizeError` if a GPT of this shape does not fit into memory, or takes long to build."""
    _check_layers(config)
    _check_bytes(config, TrainConfig(), lambda config, _: gpt_bytes(config), "")


def check_training(
    config: GPTConfig,
    train_config: TrainConfig,
    need: Callable[[GPTConfig, TrainConfig], int],
    n_contexts: int,
    n_gpts: int = 1,
) -> None:
    """Raise :class:`SizeError` for a training that memory does not hold, or time: years, or long for each step.

    Parameters
    ----------
    config, train_config
        The GPT's shape; how to train it.
    need
        Called as ``need(config, train_config)``, with smaller settings too: about how many bytes the training takes.
    n_contexts
        How many contexts each step reads.
    n_gpts
        How many GPTs are trained.
    """
    _check_layers(config)
    _check_bytes(config, train_config, need, " to train")

    def time(config: GPTConfig, train_config: TrainConfig) -> int:
        return least_time(config, train_config, n_contexts, n_gpts)

    took = time(config, train_config)
    if took > YEAR:
        years = took // YEAR
        raise SizeError(
            f"{in_digits(train_config.steps)} steps of {in_digits(n_gpts) + ' GPTs' if n_gpts > 1 else 'a GPT'} of "
            f"{in_digits(config.n_parameters)} parameters take at least {in_digits(years)} year{'s' * (years > 1)} on "
            f"the fastest machine; the limit is one. {advice(config, train_config, lambda *some: time(*some) <= YEAR)}"
        )


def advice(config: GPTConfig, train_config: TrainConfig, fits: Fits) -> str:
    """Return which setting to make smaller, and how far, so that ``fits(config, train_config)`` becomes true.

    The one named is furthest beyond the article's; of all that alone would do.
    """
    article, H = GPTConfig(), config.n_head
    examples = train_config.batch_size
    # how far beyond, what the settings are with n of it, its name, the n it has, what n counts
    settings: list[tuple[int, Callable[[int], tuple[GPTConfig, TrainConfig]], str, int, int]] = [
        (config.n_embd // article.n_embd, lambda n: (replace(config, n_embd=n * H), train_config),
         "n_embd", config.n_embd // H, H),
        (config.n_embd // article.n_embd, lambda n: (replace(config, n_embd=4 * n, n_head=4), train_config),
         "n_head=4 and n_embd", config.n_embd // 4, 4),
        (config.n_layer // article.n_layer, lambda n: (replace(config, n_layer=n), train_config),
         "n_layer", config.n_layer, 1),
        (train_config.steps // TrainConfig().steps, lambda n: (config, replace(train_config, steps=n)),
         "steps", train_config.steps, 1),
    ]  # fmt: skip
    if examples is not None:
        settings.append(
            (examples // 1000, lambda n: (config, replace(train_config, batch_size=n)), "batch_size", examples, 1)
        )
    for _, smaller, name, value, unit in sorted(settings, key=lambda each: -each[0]):
        if found := _largest(lambda n, smaller=smaller: fits(*smaller(n)), value):  # type: ignore[misc]
            return f"Try {name}={found * unit}, the largest that fits."
    return "Try a smaller GPT and fewer steps."


def _check_layers(config: GPTConfig) -> None:
    if config.n_layer > MAX_LAYERS:
        raise SizeError(
            f"n_layer={config.n_layer} is more than {MAX_LAYERS:,}, which take about ten seconds to build and ten more "
            f"for each step, however narrow they are. Try n_layer={MAX_LAYERS}, the most."
        )


def _check_bytes(
    config: GPTConfig, train_config: TrainConfig, need: Callable[[GPTConfig, TrainConfig], int], purpose: str
) -> None:
    takes = need(config, train_config)
    if takes <= SMALL:
        return
    free = free_memory()
    if takes > free:
        steps, batch = train_config.steps, train_config.batch_size or 0
        raise SizeError(
            f"A GPT of {in_digits(config.n_parameters)} parameters takes about {human_bytes(takes)}{purpose}"
            + (f" for {in_digits(steps)} steps" if purpose and steps > 10**6 else "")
            + (f" on {in_digits(batch)} examples a step" if batch > 10**6 else "")
            + f"; {human_bytes(free)} of memory are free. "
            + advice(config, train_config, lambda *some: need(*some) <= free)
        )


def _largest(fits: Callable[[int], bool], below: int) -> int:
    """Return the largest number below ``below`` that fits, where all smaller ones fit too; 0 if none does."""
    low, high = 0, below
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def in_digits(number: int) -> str:
    """Return a number as a person reads it.

    >>> in_digits(12656), in_digits(10**200)
    ('12,656', '10^200')
    """
    return f"{number:,}" if number < 10**18 else f"10^{round(math.log10(number))}"
