"""Tables of numbers as people keep them, as one array of doubles: lists, arrays, frames of pandas, polars and Arrow.

A frame is what has named columns; none of these packages is imported. A missing number (NA, null, a masked element; in
pandas NaN, too) is an error, or NaN where that was asked for. A NaN in a plain array is a number like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from autograd.compiler import messages
from autograd.structure import is_sequence
from autograd.value import Value

MISSING = frozenset(["NAType", "NaTType", "MaskedConstant"])  # the classes of pandas.NA, pandas.NaT, numpy.ma.masked
Place = tuple[int, ...]  # a row, and a column where there are several


def table_of(rows: Any, names: Sequence[str] | None = None, missing: str = "raise") -> Any:
    """The rows as an array of doubles: the same memory where they hold doubles.

    names    what the columns are called, where that is known: those of a frame are put into this order
    missing  "raise", or "nan" for NaN in place of what is missing

    Raises TypeError for what is no table of real numbers; ValueError for a missing number, naming its row and column,
    and for a frame whose columns have other names.

    >>> table_of([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    np = import_module("numpy")
    columns = _names_of_columns(rows)
    if columns is not None:
        columns = _ordered(columns, names)
    lost: list[Place] = []
    try:
        if columns is not None:
            table = _from_frame(rows, columns, lost)
        elif _says_what_is_missing(type(rows)):
            table = _from_array(rows, lost)
        else:
            several = isinstance(rows, (list, tuple)) and any(map(_says_what_is_missing, set(map(type, rows))))
            table = None if several else np.asarray(rows)  # of masked arrays in a list it would drop the masks
            if table is None or table.dtype.kind not in "biuf":
                table = np.array(_one_by_one(rows, lost))
        table = np.require(table, np.float64, "A")
    except (TypeError, ValueError, KeyError) as error:
        raise TypeError(messages.no_table(rows, error)) from None
    if lost and missing == "raise":
        row, *column = min(lost)
        raise ValueError(messages.missing_number(row, *(columns[k] if columns else k for k in column)))
    return table


def _names_of_columns(rows: Any) -> list[Any] | None:
    """The names of the columns of a frame, or of a structured array; None for what has none."""
    names = getattr(rows, "column_names", None)  # those of Arrow, whose `columns` are the columns themselves
    if names is None:
        names = getattr(rows, "columns", None)
    if names is None:
        names = getattr(getattr(rows, "dtype", None), "names", None)
    return None if names is None or callable(names) else list(names)


def _ordered(columns: list[Any], names: Sequence[str] | None) -> list[Any]:
    """The columns in the order of the names that they are to have; as they stand where there are no names to match."""
    numbered = columns == list(range(len(columns)))
    if len(set(columns)) < len(columns) or not (names is None or numbered or set(columns) == set(names)):
        raise ValueError(messages.other_columns(columns, names))
    return columns if names is None or numbered else list(names)


def _from_frame(frame: Any, columns: Sequence[Any], lost: list[Place]) -> Any:
    np = import_module("numpy")
    table = np.empty((len(frame), len(columns)), order="F")
    for k, name in enumerate(columns):
        gone: list[Place] = []
        try:
            table[:, k] = _from_array(frame[name], gone)
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from None
        lost += [(row, k) for row, *_ in gone]
    return table


def _from_array(array: Any, lost: list[Place]) -> Any:
    """A column, or an array that may say what is missing."""
    np = import_module("numpy")
    gone, values = _missing_in(array), np.asarray(array)
    lost += map(tuple, np.argwhere(gone).tolist())
    if values.dtype.kind == "O":
        numbers = [np.nan if missing else Value(x).data for x, missing in zip(values.flat, gone.flat)]
        return np.array(numbers, dtype=float).reshape(values.shape)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{values.dtype} is no type of real numbers")
    return np.where(gone, np.nan, values) if lost else values


def _says_what_is_missing(kind: type) -> bool:
    return any(hasattr(kind, name) for name in ("isna", "is_null", "mask"))


def _missing_in(array: Any) -> Any:
    """Where something is missing, as an array of truth values."""
    np = import_module("numpy")
    for name in ("isna", "is_null"):  # of pandas; of polars and Arrow
        if hasattr(array, name):
            return np.asarray(getattr(array, name)())
    return np.ma.getmaskarray(array)


def _one_by_one(x: Any, lost: list[Place], place: Place = ()) -> Any:
    """The numbers in sequences of sequences."""
    if is_sequence(x) and not isinstance(x, bytes):
        return [_one_by_one(element, lost, (*place, i)) for i, element in enumerate(x)]
    if x is None and place:
        where = "".join(f" in column {k}" for k in place[1:2])
        raise TypeError(f"row {place[0]} holds None{where}")
    if type(x).__name__ in MISSING and place:
        lost.append(place)
        return float("nan")
    return Value(x).data
