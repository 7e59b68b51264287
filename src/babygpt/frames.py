"""Results as tables that other libraries read: Arrow, and through it pandas and polars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from babygpt.errors import SettingError
from babygpt.extras import package_errors

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

Columns = Mapping[str, "NDArray[Any] | Sequence[Any]"]
Library = Literal["pandas", "polars"]
LIBRARIES: tuple[Library, ...] = get_args(Library)


def arrow_table(columns: Columns) -> pyarrow.Table:
    """Return columns of one length as an Arrow table.

    Raises
    ------
    SettingError
        They differ in length.
    MissingPackageError
        PyArrow is not installed.
    """
    with package_errors():
        import pyarrow

    def as_array(values: NDArray[Any] | Sequence[Any]) -> pyarrow.Array:
        values = values if isinstance(values, np.ndarray) else list(values)
        try:
            return pyarrow.array(values)
        except UnicodeEncodeError:  # half a surrogate pair, which a file name or a terminal may bring
            return pyarrow.array([text.encode(errors="backslashreplace").decode() for text in values])

    arrays = {name: as_array(values) for name, values in columns.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array):,}" for name, array in arrays.items())
        raise SettingError(f"The columns of a table have one length; these have {lengths}.")
    return pyarrow.table(arrays)


class Tabular(ABC):
    """Something whose facts are rows."""

    @abstractmethod
    def rows(self) -> Columns:
        """Return all its facts as columns of one length, by name."""

    def to_arrow(self) -> pyarrow.Table:
        """Return the rows as an Arrow table, which needs no further library."""
        return arrow_table(self.rows())

    def to_frame(self, library: Library | None = None) -> Any:
        """Return the rows as a frame of ``"pandas"`` or ``"polars"``; by default of the first that is installed.

        Raises
        ------
        SettingError
            Another library is asked for, or it is not installed.
        """
        if library is not None and not (isinstance(library, str) and library in LIBRARIES):
            raise SettingError(f"library={library!r} is not known. Use 'pandas' or 'polars'.")
        chosen = next((name for name in (LIBRARIES if library is None else (library,)) if find_spec(name)), None)
        if chosen is None:
            missing = "pandas or polars" if library is None else library
            raise SettingError(
                f"A frame needs {missing}: pip install {library or LIBRARIES[0]}. to_arrow() needs neither."
            )
        if chosen == "pandas":
            return self.to_arrow().to_pandas()
        import polars

        return polars.from_arrow(self.to_arrow())
