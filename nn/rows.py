"""Rows as people keep them (lists, NumPy arrays, pandas objects) as the plain lists of numbers that a model takes."""

from __future__ import annotations

from typing import Any

Target = float | int | list[float] | list[int]


def rows_of(X: Any) -> list[list[float]]:
    """X, T x n_inputs, as T lists of floats; of a flat X each number is a row.

    >>> rows_of([1, 2])
    [[1.0], [2.0]]

    Raises ValueError for rows of different lengths, and for what is not finite, naming the row; TypeError for text.
    """
    array = _array(X, "X")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"X is a table, T rows of n_inputs numbers; got the shape {array.shape}.")
    return array.astype(float).tolist()  # type: ignore[no-any-return]


def checked_rows(X: Any, y: Any) -> tuple[list[list[float]], list[Target]]:
    """The rows of X and their targets: whole numbers stay whole (classes), and a single column becomes flat.

    >>> checked_rows([[0.5, 1.0]], [[2]])
    ([[0.5, 1.0]], [2])

    Raises ValueError unless there are as many targets as rows, at least one; see `rows_of`.
    """
    rows, array = rows_of(X), _array(y, "y")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise ValueError(f"y has one number or one list of numbers for each row; got the shape {array.shape}.")
    if len(rows) != len(array) or not rows:
        raise ValueError(f"There must be as many targets as rows, at least one; got {len(array)} for {len(rows)} rows.")
    return rows, array.tolist()


def _array(data: Any, name: str) -> Any:
    import numpy as np  # imported here, so that `import nn` stays instant

    try:
        array = np.asarray(data)
        array = array.astype(float) if array.dtype == object else array
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no table of numbers: {error}.\n  All rows must have the same length.") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}.\n  Encode text and categories as numbers.")
    if array.dtype.kind == "b":
        array = array.astype(int)
    unfit = np.argwhere(~np.isfinite(array))
    if len(unfit) and array.ndim:
        raise ValueError(f"{name} has a number that is not finite in row {unfit[0][0]}: {array[unfit[0][0]]}.")
    return array
