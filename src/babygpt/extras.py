"""Packages that not every install has, and the extra of this package that brings each.

Which those are stands in ``pyproject.toml`` alone; an install knows it by its metadata.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from babygpt.errors import MissingPackageError

DISTRIBUTION = "babygpt-markov"

# "pyarrow>=20; extra == 'lab'": a package, and what asks for it
_REQUIRED_BY = re.compile(r"([\w.-]+).*; *extra *== *['\"]([\w-]+)['\"]")


def extra_of(package: str) -> str | None:
    """Return the smallest extra that brings a package; None if it comes with every install, or with none.

    >>> extra_of("pyarrow")
    'lab'
    """
    try:
        requirements = requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # the code runs from its folder
        return None
    matches = [match for match in map(_REQUIRED_BY.match, requirements) if match]
    sizes = Counter(match[2] for match in matches)
    return min((match[2] for match in matches if match[1] == package), key=lambda extra: sizes[extra], default=None)


@contextmanager
def package_errors() -> Iterator[None]:
    """Tell in one sentence of a package that is not installed.

    Raises
    ------
    MissingPackageError
        Something inside imports a package that only an extra brings, and it is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = extra_of(package)
        if extra is None or find_spec(package) is not None:
            raise
        raise MissingPackageError(
            f"This needs {package}, which is not installed. To add it: pip install '{DISTRIBUTION}[{extra}]'",
            name=package,
        ) from None
