"""Whether what is faster may stand in for a GPT: only where the GPT computes what :mod:`babygpt.gpt.model` says.

A GPT is a torch module, and anything may be done to one: a hook, another activation, a head of its own, a subclass.
What reads its weights instead of asking it (:mod:`babygpt.gpt.fast.prefixes`) would not see that. So the GPT is
compared, part by part, with one freshly built from its config: the same classes, the same settings, parameters of the
same shapes, nothing more and nothing less. Whatever differs has to be asked, which is always right.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from types import BuiltinFunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.overrides import TorchFunctionMode

from babygpt.gpt.config import GPTConfig
from babygpt.gpt.model import GPT, MLP, Block, CausalSelfAttention

# What may differ without a change in what is computed: there is no dropout, and saving is not computing.
_NO_MATTER = {
    "training", "_is_full_backward_hook",
    "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
}  # fmt: skip
# How a module of each class comes to its answer: attribute and the function that must stand there.
_CALL = {name: (nn.Module, f"Module.{name}") for name in ("_call_impl", "__getattr__")}
_CALL["__call__"] = (nn.Module, "Module._wrapped_call_impl")
_CLASSES = (GPT, Block, CausalSelfAttention, MLP, nn.Linear, nn.Embedding, nn.LayerNorm)


def supports(gpt: GPT) -> str | None:
    """Return why the weights of ``gpt`` do not tell its answers to float32 rounding, or None if they do.

    >>> from babygpt.gpt.model import seeded_gpt
    >>> gpt = seeded_gpt(GPTConfig(), seed=1337)
    >>> supports(gpt)
    >>> gpt.h[2].mlp = nn.Identity()
    >>> supports(gpt)
    'h.2.mlp is a Identity, not a MLP'
    """
    why = changed(gpt)
    if why is not None:
        return why
    weight = gpt.lm_head.weight
    if weight.dtype not in (torch.float32, torch.float64):
        return f"it computes in {str(weight.dtype).removeprefix('torch.')}, whose rounding is part of its answer"
    if torch.is_autocast_enabled(weight.device.type):
        return "autocast decides in which precision it computes"
    return None


def changed(gpt: GPT, logits: bool = False) -> str | None:
    """Return in what ``gpt`` differs from a GPT that was just built from its config, or None if in nothing.

    Weights may have any values, any dtype and be on any device, all the same. With ``logits`` the method of that name,
    the answers after every position in one pass, must be the GPT's own too.
    """
    if type(gpt) is not GPT:
        return f"it is a {type(gpt).__name__}, not a GPT itself"
    if type(gpt.config) is not GPTConfig:
        return "its config is no GPTConfig"
    replaced = patched(logits)
    if replaced is not None:
        return replaced
    for given, expected in zip_longest(_parts(gpt), _parts_expected(gpt.config)):
        if given is None or expected is None or given[0] != expected[0]:
            name = expected[0] if given is None else given[0]
            return f"it has other parts than a GPT of its config: {name}"
        why = _difference(given[0] or "the GPT", given[1], expected[1])
        if why is not None:
            return why
    if gpt.lm_head.weight is not gpt.wte.weight:
        return "its head and its token embedding are two matrices"
    held = [weight for _, part in _parts(gpt) for weight in part._parameters.values() if weight is not None]
    if len({(weight.dtype, weight.device) for weight in held}) > 1:
        return "its weights differ in dtype or in device"
    return None


def patched(logits: bool = False) -> str | None:
    """Return what is no longer as it was written of that which all GPTs compute with, or None if nothing.

    The method ``GPT.logits`` is looked at only if ``logits`` is.
    """
    for cls in _CLASSES:
        methods = ["forward", *(["hidden"] if cls is GPT else []), *(["logits"] if cls is GPT and logits else [])]
        own = {name: (cls, f"{cls.__name__}.{name}") for name in methods}
        for name, (home, written) in (own | _CALL).items():
            if not _is_written(getattr(cls, name, None), home.__module__, written):
                return f"{cls.__name__}.{name} has been replaced"
        if getattr(sys.modules[GPT.__module__], cls.__name__, cls) is not cls:
            return f"{cls.__name__} has been replaced"
    for name in ("layer_norm", "embedding"):
        if not _is_written(getattr(F, name), F.__name__, name):
            return f"torch.nn.functional.{name} has been replaced"
    for name in ("linear", "gelu", "scaled_dot_product_attention"):
        if not isinstance(getattr(F, name), BuiltinFunctionType):
            return f"torch.nn.functional.{name} has been replaced"
    if any(getattr(torch_module, f"_global_{kind}_hooks", None) for kind in ("forward", "forward_pre", "backward")):
        return "there are hooks on all of torch's modules"
    return None


def _parts(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Iterate over a module and all its parts, one that is used twice each time, with their names."""
    yield name, module
    for key, part in module._modules.items():
        if part is not None:
            yield from _parts(part, f"{name}.{key}" if name else key)


@lru_cache(maxsize=16)
def _parts_expected(config: GPTConfig) -> list[tuple[str, nn.Module]]:
    with _NothingDrawn():
        return list(_parts(GPT(config, device="meta")))


class _NothingDrawn(TorchFunctionMode):
    """Leaves weights as they come: to draw some on the meta device torch loads its compiler, which takes seconds."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(function, "__module__", "") == nn.init.__name__ or function in (Tensor.normal_, Tensor.uniform_):
            return None
        return function(*args, **(kwargs or {}))


def _difference(name: str, given: nn.Module, expected: nn.Module) -> str | None:
    if type(given) is not type(expected):
        return f"{name} is a {type(given).__name__}, not a {type(expected).__name__}"
    has, should = vars(given), vars(expected)
    if has.keys() != should.keys():
        key = min(has.keys() ^ should.keys())
        return f"{name} {'has' if key in has else 'lacks'} the attribute {key}"
    for key, value in has.items():
        if key in _NO_MATTER:
            continue
        if key == "_parameters":
            why = _other_parameters(name, value, should[key])
            if why is not None:
                return why
        elif key == "_modules":
            if list(value) != list(should[key]):
                return f"{name} consists of {', '.join(value)}, not of {', '.join(should[key])}"
        elif type(value) is not type(should[key]) or value != should[key]:
            return f"there are hooks on {name}" if "hooks" in key else f"{name} has another {key.lstrip('_')}"
    return None


def _other_parameters(name: str, has: dict[str, Any], should: dict[str, Any]) -> str | None:
    if has.keys() != should.keys():
        return f"{name} has the parameters {', '.join(has)}, not {', '.join(should)}"
    for key, parameter in has.items():
        if type(parameter) is not type(should[key]):
            return f"{name}.{key} is a {type(parameter).__name__}, not a {type(should[key]).__name__}"
        if parameter is not None and parameter.shape != should[key].shape:
            return f"{name}.{key} has shape {tuple(parameter.shape)}, not {tuple(should[key].shape)}"
    return None


def _is_written(function: Any, module: str, name: str) -> bool:
    # not by __name__ or __module__, which functools.wraps copies
    code, home = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    return code is not None and code.co_qualname == name and home.get("__name__") == module
