"""Tables as people keep them: frames are read by the names of their columns, and what is missing is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import autograd
from autograd import Value
from autograd.compiler.tables import table_of

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
COLUMNS = {"y": [3.0, 4.0, 5.0], "x": [1, 2, 7]}
W = Value(2.0)
FRAMES = {
    "pandas": pd.DataFrame(COLUMNS),
    "pandas, nullable": pd.DataFrame({"y": pd.array(COLUMNS["y"], "Float64"), "x": pd.array(COLUMNS["x"], "Int64")}),
    "pandas, objects": pd.DataFrame(COLUMNS, dtype=object),
    "pandas, Arrow": pd.DataFrame(COLUMNS).astype("float64[pyarrow]"),
    "pandas, an index": pd.DataFrame(COLUMNS, index=[10, 5, 7]),
    "polars": pl.DataFrame(COLUMNS),
    "Arrow": pa.table(COLUMNS),
    "Arrow, a batch": pa.RecordBatch.from_pydict(COLUMNS),
    "structured": np.array([(3.0, 1), (4.0, 2), (5.0, 7)], dtype=[("y", float), ("x", int)]),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_columns_belong_to_the_arguments_of_their_names(frame):
    f = autograd.compile(lambda x, y: x - y * W)
    assert f.batch(frame).tolist() == [-5.0, -6.0, -3.0]
    values, slopes = f.batch_value_and_grad(frame)
    assert values.tolist() == [-5.0, -6.0, -3.0] and slopes.tolist() == [[1.0, -2.0]] * 3
    assert f.batch_jacobian(frame)[1].tolist() == [[[1.0, -2.0]]] * 3
    W.grad = 0.0
    assert f.backward(frame, "sum") == -14.0 and W.grad == -12.0
    by_position = autograd.compile(lambda row: row[0] - row[1], n_inputs=2)
    assert by_position.batch(frame).tolist() == [2.0, 2.0, -2.0]
    with pytest.raises(ValueError, match=r"\['y', 'x'\] are not the arguments \['x', 'z'\]"):
        autograd.compile(lambda x, z: x - z).batch(frame)
    with pytest.raises(ValueError, match="are not the arguments"):
        autograd.compile(lambda x: x).batch(frame)


def test_columns_without_names_stand_in_order():
    f = autograd.compile(lambda x, y: x - y)
    assert f.batch(pd.DataFrame([[1.0, 2.0], [3.0, 5.0]])).tolist() == [-1.0, -2.0]
    assert f.batch(pd.DataFrame(np.zeros((0, 2)), columns=["y", "x"])).tolist() == []
    with pytest.raises(ValueError, match="have the same name"):
        f.batch(pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]))
    g = autograd.compile(lambda x: 2 * x)
    for column in (pd.Series([1, 2], name="z"), pl.Series([1, 2]), pa.array([1, 2]), pd.array([1, 2], "Int64")):
        assert g.batch(column).tolist() == [2.0, 4.0]


MISSING = {
    "pandas, NA": (
        pd.DataFrame({"x": pd.array([1, 2], "Int64"), "y": pd.array([3, None], "Int64")}),
        "row 1, column 'y'",
    ),
    "pandas, None": (pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, None]}), "row 1, column 'y'"),
    "pandas, objects": (pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, pd.NA]}, dtype=object), "row 1, column 'y'"),
    "polars": (pl.DataFrame({"y": [3, None], "x": [1.0, 2.0]}), "row 1, column 'y'"),
    "Arrow": (pa.table({"y": [3.0, None], "x": [1, 2]}), "row 1, column 'y'"),
    "masked": (np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 0], [0, 1]]), "row 1, column 1"),
    "masked rows": ([np.ma.array([1.0, 2.0], mask=False), np.ma.array([2.0, 4.0], mask=[0, 1])], "row 1, column 1"),
    "a list": ([[1.0, 3.0], [2.0, pd.NA]], "row 1, column 1"),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_number_is_named_or_nan_where_that_is_asked_for(name):
    rows, place = MISSING[name]
    f = autograd.compile(lambda x, y: x * y)
    for call in (f.batch, f.batch_value_and_grad, f.backward):
        with pytest.raises(ValueError, match=place):
            call(rows)
    values = f.batch(rows, errors="nan")
    assert np.isfinite(values[0]) and np.isnan(values[1])


def test_nan_in_plain_arrays_and_where_it_is_no_missing_number_is_a_number():
    f = autograd.compile(lambda x, y: x * y)
    for rows in (
        np.array([[1.0, np.nan]]), [[1.0, float("nan")]], pl.DataFrame({"x": [1.0], "y": [float("nan")]}),
        pa.table({"x": [1.0], "y": [float("nan")]}), np.ma.array([[1.0, np.nan]], mask=False),
    ):  # fmt: skip
        assert np.isnan(f.batch(rows)).tolist() == [True]


def test_what_holds_no_numbers_is_refused():
    f = autograd.compile(lambda x: x)
    for column in (["a"], pd.to_datetime(["2020-01-01"]), [1j], [[1.0, 2.0]]):
        with pytest.raises(TypeError, match="no table of numbers: column 'x'"):
            f.batch(pd.DataFrame({"x": column}))
    for none in ([None], [[None]], np.array([[None]])):
        for errors in ("raise", "nan"):
            with pytest.raises(TypeError, match="row 0 holds None"):
                f.batch(none, errors=errors)


def test_doubles_are_read_in_place():
    rows = np.ones((4, 2))
    assert table_of(rows) is rows and table_of(memoryview(rows)).base is not None
