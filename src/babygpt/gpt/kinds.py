"""A wrong kind of object is told in one sentence: which argument, what it is, and what it should be.

A public function says in its annotations what it takes. When it fails with an error of Python's or NumPy's own, its
arguments are held against them, and the one that is something else is named. This costs nothing while all goes well,
and hides nothing: where every argument is of its kind, the error stays what it was.
"""

from __future__ import annotations

import inspect
import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from numbers import Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np

from babygpt.errors import BabyGPTError, SettingError

# What Python and NumPy raise when they are given the wrong thing.
WRONG = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError, MemoryError, RuntimeError)
# Arrays by the kinds of numbers in them; whole numbers are numbers too.
_DTYPES = {np.bool_: ("b", "truth values"), np.int64: ("iu", "whole numbers"), np.float64: ("fiu", "numbers")}
# How much of a value is shown.
SHOWN = 60

T = TypeVar("T")


def explained(what: T) -> T:
    """Return a function, or a class with its constructor and public methods, that names an argument of a wrong kind.

    >>> @explained
    ... def double(n: int) -> int:
    ...     return n + n.bit_count()
    >>> double("x")
    Traceback (most recent call last):
    babygpt.errors.SettingError: n='x' is not a whole number of at most 63 bits.
    """
    if not isinstance(what, type):
        return _explained(what)  # type: ignore[arg-type, return-value]
    for name, member in list(vars(what).items()):
        if name.startswith("_") and name not in ("__init__", "__getitem__"):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(what, name, type(member)(_explained(member.__func__)))
        elif isinstance(member, types.FunctionType) and not getattr(member, "__isabstractmethod__", False):
            setattr(what, name, _explained(member))
    return what


def wrong_kind(name: str, value: object, annotation: object) -> str | None:
    """Return what is wrong with the kind of a value, in a sentence, or None if it is what its annotation says."""
    if _fits(value, annotation):
        return None
    try:
        shown = repr(value)
    except Exception:
        shown = f"<{type(value).__name__}>"
    if isinstance(value, np.ndarray):
        shown = f"an array of {value.dtype}, of shape {value.shape},"
        return f"{name} is {shown} not {_words(annotation)}."
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return f"{name}={shown} is not {_words(annotation)}."


def _explained(function: Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(function, types.FunctionType):
        return function
    explain, errors, ours = _explain, WRONG, BabyGPTError

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ours:
            raise
        except errors as error:
            explain(function, args, kwargs, error)
            raise

    def call_in_turn(*args: Any, **kwargs: Any) -> Any:
        try:
            return (yield from function(*args, **kwargs))
        except ours:
            raise
        except errors as error:
            explain(function, args, kwargs, error)
            raise

    if inspect.isgeneratorfunction(function):
        call = call_in_turn
    # in the function's own module, where doctest and pickle look for it
    named = types.FunctionType(
        call.__code__, function.__globals__, function.__name__, call.__defaults__, call.__closure__
    )
    return wraps(function)(named)


def _explain(function: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
    """Raise :class:`SettingError` if an argument is of another kind than its annotation says."""
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:  # missing or unknown arguments: Python's own words are plain
        return
    kinds = _kinds(function)
    for name, value in given.items():
        if name in kinds:
            told = wrong_kind(name, value, kinds[name])
            if told is not None:
                raise SettingError(told) from error


@lru_cache(maxsize=256)
def _kinds(function: types.FunctionType) -> dict[str, Any]:
    """Return what each parameter takes, as far as its annotation names what is loaded."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        annotation = parameter.annotation
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if annotation is parameter.empty or variadic or name in ("self", "cls"):
            continue
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, dict(function.__globals__))
            except (NameError, AttributeError, TypeError):  # of a module that is loaded for the types' sake alone
                continue
        found[name] = annotation
    return found


def _fits(value: Any, annotation: Any) -> bool:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in (Any, object):
        return True
    if annotation in (None, type(None)):
        return value is None
    if origin in (Union, types.UnionType):
        if isinstance(value, str) and "\0" in value and any(_is_path(one) for one in args):
            return False  # no path has one
        return any(_fits(value, one) for one in args)
    if origin is Literal:
        return isinstance(value, (str, int, type(None))) and value in args
    if annotation is bool:
        return isinstance(value, (bool, np.bool_))
    if annotation is int:
        return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and abs(int(value)) < 2**63
    if annotation is float:
        return _is_number(value)
    if annotation is str:
        return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
    if _is_path(annotation):
        return isinstance(value, os.PathLike) and "\0" not in str(value)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in _dtype(annotation)[0]
    kind = origin or annotation
    if kind in (Sequence, Iterable, Collection):
        if isinstance(value, (str, bytes)):
            return isinstance(value, str) and args[:1] == (str,)
        if isinstance(value, np.ndarray):
            return value.ndim > 0
        listed = isinstance(value, kind) or (kind is Sequence and isinstance(value, range))
        return listed and all(_fits(one, args[0]) for one in (value if isinstance(value, (list, tuple)) else ()))
    if kind in (Mapping, dict) and args:
        return isinstance(value, kind) and all(_fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items())
    if kind is Callable or getattr(kind, "__name__", "") == "Callable":
        return callable(value) and not isinstance(value, type)
    if isinstance(kind, type) and not getattr(kind, "_is_protocol", False):  # a protocol is judged where it is used
        return isinstance(value, kind)
    return True


def _is_path(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, os.PathLike)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (Real, np.number)):
        return False
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:
        return False


def _dtype(annotation: Any) -> tuple[str, str]:
    """Return the kinds of dtype that an annotated array may have, and their name."""
    text = str(annotation)
    for dtype, known in _DTYPES.items():
        if dtype.__name__.rstrip("_") in text:
            return known
    return ("fiu", "numbers") if "float" in text else ("biufOUS", "values")


def _words(annotation: Any) -> str:
    """Return what an annotation takes, as one says it."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        words = dict.fromkeys(_words(one) for one in args)
        none = words.pop("None", None) is None and "None" in {_words(one) for one in args}
        return " or ".join([*words, *(["None"] * none)])
    if origin is Literal:
        return " or ".join(map(repr, args))
    plain = {
        bool: "True or False",
        int: "a whole number of at most 63 bits",
        float: "a finite number",
        str: "a text",
        None: "None",
        type(None): "None",
    }
    if annotation in plain:
        return plain[annotation]
    if origin is np.ndarray:
        return f"an array of {_dtype(annotation)[1]}"
    kind = origin or annotation
    if _is_path(kind):
        return "a path"
    if kind in (Sequence, Iterable, Collection):
        inner = {int: "whole numbers", float: "numbers", str: "texts"}.get(args[0]) if args else None
        return f"a list of {inner}" if inner else "a list of " + _words(args[0]) if args else "a list"
    if kind is Mapping or kind is dict:
        return "a mapping"
    if getattr(kind, "__name__", "") == "Callable":
        return "a function"
    name = getattr(kind, "__name__", str(kind))
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
