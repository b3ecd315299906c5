"""The parser: Python's precedence, the engine's functions, and an error with a caret for everything else."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value
from autograd.expression import ELSEWHERE, FUNCTIONS, Expression, ExpressionError

NUMBERS = st.sampled_from(["0.0", "1.0", "2.0", "3.", "7.", "0.5", ".25", "1e1", "1.5e-1"])  # no endless integers


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    space = st.sampled_from(["", " "])
    binary = st.tuples(inner, space, st.sampled_from(["+", "-", "*", "/", "**"]), space, inner).map("".join)
    signed = st.tuples(st.sampled_from(["-", "+", "- ", "--"]), inner).map("".join)
    return st.one_of(binary, binary, signed, inner.map("({})".format), inner.map("abs({})".format))


def real_abs(x: float) -> float:
    if isinstance(x, complex):
        raise ValueError("the engine is real")
    return abs(x)


@settings(deadline=None, max_examples=300)
@given(st.recursive(NUMBERS, combined, max_leaves=12))
def test_it_computes_what_python_computes(text):
    try:
        expected = eval(text, {"__builtins__": {"abs": real_abs}})
    except (ArithmeticError, ValueError):
        expected = None
    if isinstance(expected, float):
        assert repr(Expression(text)({})) == repr(expected)
    else:
        with pytest.raises((ArithmeticError, ValueError)):
            Expression(text)({})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-x**2", -9.0),
        ("2**-1", 0.5),
        ("x**y**2", 81.0),
        ("-x**-y", -(3.0**-2.0)),
        ("2**-x**2*4", 2**-9.0 * 4),
        ("8/4/2-1-1", -1.0),
        ("- -x", 3.0),
        ("x*-y", -6.0),
        ("((x))", 3.0),
        ("max(x, y, 5) - min(x, y) + sum(x, y, 1)", 9.0),
        ("logsumexp(0, 0)", math.log(2)),
        ("α_1 + _b2", 5.0),
        ("1e3+.5+2.", 1002.5),
        ("  x\n +\ty ", 5.0),
        ("exp (0)", 1.0),
    ],
)
def test_values(text, value):
    assert Expression(text)({"x": 3.0, "y": 2.0, "α_1": 3.0, "_b2": 2.0}) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("name", autograd.OPERATIONS)
def test_every_function_of_the_engine_is_there_with_its_gradient(name):
    *operands, result = autograd.OPERATIONS[name].example
    letters = "abcdef"[: len(operands)]
    expression = Expression(f"{name}({', '.join(letters)})")
    assert list(expression.names) == list(letters)
    leaves, again = [Value(x) for x in operands], [Value(x) for x in operands]
    found = expression(dict(zip(letters, leaves)))
    assert found.data == result
    found.backward()
    expected = autograd.OPERATIONS[name](*again)
    expected.backward()
    assert [leaf.grad for leaf in leaves] == [leaf.grad for leaf in again]


def test_a_plain_exponent_takes_no_logarithm():
    x = Value(-2.0)
    square = Expression("x**2")({"x": x})
    assert square.parents == (x,) and square.operation.symbol == "**2"


def test_hessians_run_through_it():
    f = Expression("x**2 * y + exp(y)")
    hessian = autograd.hessian(lambda v: f({"x": v[0], "y": v[1]}))([3.0, 0.0])
    assert hessian == [[0.0, 6.0], [6.0, 1.0]]


@pytest.mark.parametrize("n", [10, 100_000])
def test_nesting_has_no_limit(n):
    assert Expression("(" * n + "x" + ")" * n)({"x": 3.0}) == 3.0
    assert Expression("-" * n + "x")({"x": 3.0}) == 3.0
    assert Expression("abs(" * n + "x" + ")" * n)({"x": 3.0}) == 3.0
    assert Expression("1**" * n + "x")({"x": 3.0}) == 1.0
    with pytest.raises(ExpressionError, match="never closed"):
        Expression("(" * n + "x")


ERRORS = [  # the expression, where the caret stands, and what the message says
    ("x^2", 1, "Write ** for a power"),
    ("x // 2", 2, "Write / for a quotient"),
    ("x % 2", 2, "'%' has no meaning"),
    ("x = 2", 2, "x=0.5"),
    ("x == 2", 2, "x=0.5"),
    ("x × 2", 2, "Write * for a product"),
    ("x − 2", 2, "minus of the keyboard"),
    ("[x]", 0, "Write ( )"),
    ("x[0]", 1, "Write ( )"),
    ("|x|", 0, "abs(x)"),
    ("x.real", 1, "'.' has no meaning"),
    ("'x'", 0, "has no meaning"),
    ("lambda: 1", 6, "':' has no meaning"),
    ("x if y else z", 2, "operator is missing"),
    ("__import__('os')", 0, "no function '__import__'"),
    ("open(x)", 0, "no function 'open'"),
    ("sigmiod(x)", 0, "Write sigmoid(...)"),
    ("exp", 0, "Write exp(x)"),
    ("exp + 1", 0, "Write exp(x)"),
    ("exp()", 4, "is missing here"),
    ("exp(x, y)", 0, "takes 1 argument, not 2"),
    ("1 + maximum(x)", 4, "takes 2 arguments, not 1"),
    ("max(x,)", 6, "is missing here"),
    ("(x, y)", 2, "comma outside"),
    ("x, y", 1, "comma outside"),
    ("2x", 0, "Write 2*x"),
    ("1 + 1.2.3", 4, "'1.2.3' is no number"),
    ("1e", 0, "'1e' is no number"),
    ("0x10", 0, "'0x10' is no number"),
    ("1_000", 0, "'1_000' is no number"),
    ("1j", 0, "'1j' is no number"),
    ("٣", 0, "has no meaning"),
    ("2 3", 2, "operator is missing"),
    ("2 (x)", 2, "operator is missing"),
    ("(x)(y)", 3, "operator is missing"),
    ("x +", 3, "ends too early"),
    ("x + * y", 4, "is missing here"),
    ("x * / y", 4, "is missing here"),
    ("*x", 0, "is missing here"),
    ("()", 1, "is missing here"),
    ("", 0, "is empty"),
    ("   ", 3, "is empty"),
    ("(x", 0, "never closed"),
    ("exp(x", 0, "never closed"),
    ("x)", 1, "closes nothing"),
    ("x + \x1b[31m", 4, "has no meaning"),
]


@pytest.mark.parametrize(("text", "place", "part"), ERRORS)
def test_an_error_points_at_its_place(text, place, part):
    with pytest.raises(ExpressionError) as caught:
        Expression(text)
    _, line, caret, *advice = str(caught.value).split("\n")
    assert part in str(caught.value)
    assert caret == " " * (2 + place) + "^"
    assert line == "  " + text.replace("\x1b", " ")
    assert advice and str(caught.value).replace("\n", "").isprintable()


def test_the_caret_of_a_long_line_and_under_wide_letters():
    with pytest.raises(ExpressionError) as caught:
        Expression("x + " * 100 + "? + x" + " + x" * 100)
    _, line, caret, _ = str(caught.value).split("\n")
    assert line[caret.index("^")] == "?" and len(line) < 100
    with pytest.raises(ExpressionError) as caught:
        Expression("変数 ? 1")
    assert "\n       ^" in str(caught.value)


def test_an_error_outside_of_a_domain_points_at_the_operation():
    divided = ZeroDivisionError
    for text, error, place in [("1 + log(x)", ValueError, 4), ("y / (x + 1)", divided, 2), ("2 + (1/0)", divided, 6)]:
        with pytest.raises(error) as caught:
            Expression(text)({"x": Value(-1.0, "x"), "y": Value(1.0)})
        assert f"\n  {text}\n  {' ' * place}^\n" in str(caught.value)


def test_only_names_that_are_listed_can_be_called():
    assert set(FUNCTIONS) == {*autograd.OPERATIONS, "sum", "max", "min", "abs"}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("where", "Write maximum(x, y), minimum(x, y) or relu(x)."),
        ("ln", "Write log(x)."),
        ("LN", "Write log(x)."),
        ("log10", "Write log(x)/log(10)."),
        ("asin", "Write arcsin(x)."),
        ("arctan2", "Write arctan(y/x)."),
        ("tg", "Write tan(x)."),
        ("pow", "Write x**y."),
        ("e", "Write exp(x)."),
        ("sigmiod", "Write sigmoid(...), the nearest name."),
        ("Max", "Write max(...), the nearest name."),
        ("height", "Write one of identity, add"),
        ("erosion", "Write one of identity, add"),
    ],
)
def test_a_function_that_is_not_there(name, advice):
    with pytest.raises(ExpressionError, match=f"There is no function '{name}'.") as caught:
        Expression(f"1 + {name}(x, 2)")
    assert str(caught.value).splitlines()[3].startswith(f"  {advice}")


def test_what_is_written_instead_is_an_expression():
    for advice in ELSEWHERE.values():
        for part in re.split(r"(?<=\)), | or ", advice):
            assert Expression(part).names.keys() <= {"x", "y"}
    assert ELSEWHERE.keys().isdisjoint(FUNCTIONS)
