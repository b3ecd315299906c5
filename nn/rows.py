"""Rows as people keep them (lists, NumPy arrays, pandas objects) as the plain lists of numbers that a model takes."""

from __future__ import annotations

from typing import Any

from autograd.formatting import on_one_line, shown

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
        raise ValueError(
            f"X is a table, T rows of n_inputs numbers; got the shape {array.shape}.\n"
            "  A model takes one flat row at a time.\n  Write numpy.reshape(X, (len(X), -1)) to flatten each row."
        )
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
        raise ValueError(
            f"y has one number or one list of numbers for each row; got the shape {array.shape}.\n"
            "  A loss compares the outputs for one row with its target.\n"
            "  Write y = [target for each row], as [0, 1, 1, 0]."
        )
    if len(rows) != len(array) or not rows:
        raise ValueError(
            f"There must be as many targets as rows, at least one; got {len(array)} for {len(rows)} rows.\n"
            "  The target at each place belongs to the row at that place.\n"
            "  Write X = [[0, 0], [0, 1]] with y = [0, 1], and filter both alike."
        )
    return rows, array.tolist()


def _array(data: Any, name: str) -> Any:
    import numpy as np  # imported here, so that `import nn` stays instant

    try:
        array = np.asarray(data)
        array = array.astype(float) if array.dtype == object else array
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is no table of numbers: {on_one_line(str(error).partition(chr(10))[0], 200).rstrip('.')}.\n"
            "  All rows must have the same length, and hold numbers only.\n"
            f"  Write {name} = [[0.0, 1.0], [2.0, 3.0]], lists of equal length."
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got {array.dtype}.\n  Weights multiply them.\n"
            f"  Write [float(text) for text in column] for numbers in texts, pandas.get_dummies({name}) for categories."
        )
    if array.dtype.kind in "bf":
        array = array.astype(int if array.dtype.kind == "b" else float)
    unfit = np.argwhere(~np.isfinite(array))
    if len(unfit) and array.ndim:
        raise ValueError(
            f"{name} has a number that is not finite in row {unfit[0][0]}: {shown(array[unfit[0][0]].tolist())}.\n"
            "  The loss of that row, and with it all gradients, would not be finite.\n"
            f"  Write numpy.nan_to_num({name}), or leave such rows out of X and y."
        )
    return array
