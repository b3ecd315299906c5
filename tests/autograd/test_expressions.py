"""Random expressions: values and gradients of whole graphs against mpmath, and what `backward` promises of any graph.

Hypothesis draws a program, a list of steps whose operands are leaves, constants and earlier results, each as often as
it likes. The engine runs it on Values. The reference runs it at 50 digits, knows the forwards only (its partials are
central differences) and keeps, beside each number, a bound on the error that doubles may have made so far: every
operation adds its own few ulp, as promised by test_operations, to what it passes on from its operands. So a program
that amplifies errors is allowed them, and no other.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import mpmath
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd
from autograd import OPERATIONS, Value

mp = mpmath.MPContext()  # a context of our own: mpmath's global one belongs to everybody
mp.dps = 50
DIFFERENCE = mp.mpf(10) ** -16  # truncates central differences at 1e-32, rounds them at 1e-34
ROUNDING = mp.mpf(2) ** -53  # of one sum or product of doubles, relative

every_program = settings(deadline=None, derandomize=True, max_examples=200)


class Row(NamedTuple):
    """An operation in mathematics, and the operands it is drawn for: in its domain, off its kinks, not too steep."""

    reference: Any
    fits: Any


def small(x: float) -> bool:
    return abs(x) < 6


def away_from_zero(x: float) -> bool:
    return abs(x) > 0.01


def positive(x: float) -> bool:
    return x > 0.01


def inside(x: float) -> bool:
    return abs(x) < 0.99


def always(*xs: float) -> bool:
    return True


def apart(a: float, b: float) -> bool:
    return abs(a - b) > 0.01


UNARY = {
    "identity": Row(lambda x: x, always),
    "negative": Row(lambda x: -x, always),
    "absolute": Row(abs, away_from_zero),
    "exp": Row(mp.exp, small),
    "expm1": Row(mp.expm1, small),
    "log": Row(mp.log, positive),
    "log1p": Row(mp.log1p, lambda x: x > -0.99),
    "sqrt": Row(mp.sqrt, positive),
    "sin": Row(mp.sin, always),
    "cos": Row(mp.cos, always),
    "tan": Row(mp.tan, lambda x: abs(x) < 1.5),
    "arcsin": Row(mp.asin, inside),
    "arccos": Row(mp.acos, inside),
    "arctan": Row(mp.atan, always),
    "sinh": Row(mp.sinh, small),
    "cosh": Row(mp.cosh, small),
    "sech": Row(mp.sech, small),
    "gaussian": Row(lambda x: mp.exp(-x * x), lambda x: abs(x) < 3),
    "tanh": Row(mp.tanh, small),
    "sigmoid": Row(lambda x: 1 / (1 + mp.exp(-x)), small),
    "relu": Row(lambda x: max(x, mp.zero), away_from_zero),
    "leaky_relu": Row(lambda x: x if x > 0 else mp.mpf(0.01) * x, away_from_zero),
    "softplus": Row(lambda x: mp.log1p(mp.exp(x)), small),
    "erf": Row(mp.erf, lambda x: abs(x) < 3),
}
BINARY = {
    "add": Row(operator.add, always),
    "subtract": Row(operator.sub, always),
    "multiply": Row(operator.mul, always),
    "divide": Row(operator.truediv, lambda a, b: away_from_zero(b)),
    "power": Row(operator.pow, lambda x, y: 0.01 < x < 100 and abs(y) < 4),
    "maximum": Row(max, apart),
    "minimum": Row(min, apart),
    "log_softmax": Row(
        lambda x, *xs: -mp.log1p(mp.fsum(mp.exp(other - x) for other in xs)), lambda *xs: all(map(small, xs))
    ),
    "logsumexp": Row(lambda *xs: mp.log(mp.fsum(map(mp.exp, xs))), lambda *xs: all(map(small, xs))),
}
ROWS = UNARY | BINARY
OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
    "absolute": operator.abs,
}


class Step(NamedTuple):
    """One operation. An int among the operands is the place of a leaf or an earlier result, a float is a constant."""

    name: str
    operands: tuple[int | float, ...]


class Program(NamedTuple):
    leaves: list[float]
    steps: list[Step]


def operands_of(step: Step, results: Sequence[Any], constant: Any = float) -> list[Any]:
    return [results[operand] if type(operand) is int else constant(operand) for operand in step.operands]


@st.composite
def programs(draw: Any) -> Program:
    moderate = st.floats(-3.0, 3.0).filter(lambda x: x == 0 or abs(x) > 1e-3)
    leaves = draw(st.lists(moderate, min_size=1, max_size=4))
    numbers, steps = list(leaves), []
    for _ in range(draw(st.integers(1, 12))):
        earlier = st.integers(0, len(numbers) - 1)
        recent = draw(st.integers(max(0, len(numbers) - 2), len(numbers) - 1))
        pair = draw(st.permutations([recent, draw(earlier | moderate)]))
        possible = [Step(name, (recent,)) for name in UNARY]
        possible += [Step(name, tuple(pair)) for name in BINARY]
        possible += [Step(name, (*pair, draw(earlier))) for name in ("logsumexp", "log_softmax")]
        possible = [step for step in possible if ROWS[step.name].fits(*operands_of(step, numbers))]
        step = draw(st.sampled_from(possible))
        result = float(ROWS[step.name].reference(*map(mp.mpf, operands_of(step, numbers))))
        if abs(result) < 1e4:
            numbers.append(result)
            steps.append(step)
    return Program(leaves, steps)


def run(program: Program, leaves: Sequence[Any]) -> list[Any]:
    """Every number of the program, computed by the engine on Values or on floats."""
    results = list(leaves)
    for step in program.steps:
        function = OPERATORS.get(step.name) or OPERATIONS[step.name]
        results.append(function(*operands_of(step, results)))
    return results


def outcome(program: Program) -> Any:
    """The program as a function of its leaves."""
    return lambda *leaves: run(program, leaves)[-1]


def recorded(program: Program) -> tuple[list[Value], list[Value]]:
    """Its leaves and its interior nodes, as a fresh graph."""
    nodes = run(program, [Value(x) for x in program.leaves])
    count = len(program.leaves)
    return nodes[:count], nodes[count:]


def ulp(x: Any) -> Any:
    return mp.mpf(math.ulp(float(x)))


def partial(f: Any, operands: Sequence[Any], i: int) -> Any:
    before, x, after = operands[:i], operands[i], operands[i + 1 :]
    h = DIFFERENCE * max(1, abs(x))
    return (f(*before, x + h, *after) - f(*before, x - h, *after)) / (2 * h)


def moves(f: Any, operands: Sequence[Any], errors: Sequence[Any]) -> Any:
    """How far f may move when its operands are off by their errors; twice, for the way back and the second order."""
    at = f(*operands)
    return 2 * sum(
        abs(f(*operands[:i], operands[i] + error, *operands[i + 1 :]) - at) for i, error in enumerate(errors) if error
    )


def exact_values(program: Program) -> tuple[list[Any], list[Any]]:
    """Every number at 50 digits, and how far off a double may be: 2 ulp of its own and what its operands bring."""
    values, errors = [mp.mpf(x) for x in program.leaves], [mp.zero] * len(program.leaves)
    for step in program.steps:
        f = ROWS[step.name].reference
        operands = operands_of(step, values, mp.mpf)
        inherited = moves(f, operands, operands_of(step, errors, lambda constant: mp.zero))
        values.append(f(*operands))
        errors.append(2 * ulp(values[-1]) + inherited)
    return values, errors


def exact_gradient(program: Program) -> tuple[list[Any], list[Any]]:
    """d result / d each leaf by the chain rule at 50 digits, and how far off the sum of doubles may be.

    Each partial is off by 4 ulp and by what the errors of its operands make of it; each product and each sum rounds,
    relative to the sum of absolute terms, in whatever order they are added: so the bound holds for jvp as well.
    """
    values, errors = exact_values(program)
    adjoints, magnitudes, bounds = ([mp.zero] * len(values) for _ in range(3))
    adjoints[-1] = magnitudes[-1] = mp.one
    for place in reversed(range(len(program.leaves), len(values))):
        step = program.steps[place - len(program.leaves)]
        f = ROWS[step.name].reference
        operands = operands_of(step, values, mp.mpf)
        operand_errors = operands_of(step, errors, lambda constant: mp.zero)
        for i, parent in enumerate(step.operands):
            if type(parent) is int:
                slope = partial(f, operands, i)
                off = 4 * ulp(slope) + moves(lambda *xs, f=f, i=i: partial(f, xs, i), operands, operand_errors)
                adjoints[parent] += adjoints[place] * slope
                magnitudes[parent] += magnitudes[place] * abs(slope)
                roundings = 2 * ROUNDING * magnitudes[place] * abs(slope)
                bounds[parent] += bounds[place] * (abs(slope) + off) + magnitudes[place] * off + roundings
    count = len(program.leaves)
    # Hypothesis likes to look for programs that lose all their digits; from these there is nothing to learn.
    assume(all(bound <= 1e-9 * (1 + magnitude) for bound, magnitude in zip(bounds, magnitudes)))
    return adjoints[:count], bounds[:count]


def test_every_row_is_drawn():
    assert set(ROWS) == set(OPERATIONS)


@every_program
@given(programs())
def test_values(program: Program):
    for number, exact, error in zip(run(program, [Value(x) for x in program.leaves]), *exact_values(program)):
        assert abs(number.data - exact) <= error


@every_program
@given(programs())
def test_gradients(program: Program):
    leaves, interior = recorded(program)
    [*leaves, *interior][-1].backward()
    exact, bounds = exact_gradient(program)
    for leaf, gradient, bound in zip(leaves, exact, bounds):
        assert abs(leaf.grad - gradient) <= bound, f"{leaf.grad} instead of {float(gradient)} +- {float(bound)}"


@every_program
@given(programs())
def test_reverse_and_forward_mode_agree(program: Program):
    """grad is backward to the bit; jvp along each unit vector is the same derivative, summed in another order."""
    leaves, interior = recorded(program)
    [*leaves, *interior][-1].backward()
    count = len(leaves)
    gradient = autograd.grad(outcome(program), tuple(range(count)))(*program.leaves)
    assert list(gradient) == [leaf.grad for leaf in leaves]
    for i, (exact, bound) in enumerate(zip(*exact_gradient(program))):
        unit = tuple(float(i == j) for j in range(count))
        value, slope = autograd.jvp(outcome(program), tuple(program.leaves), unit)
        assert value == [*leaves, *interior][-1].data
        assert abs(slope - exact) <= bound


@every_program
@given(programs())
def test_backward_again_doubles_the_leaves_only(program: Program):
    leaves, interior = recorded(program)
    root = [*leaves, *interior][-1]
    root.backward()
    once, inside = [leaf.grad for leaf in leaves], [node.grad for node in interior]
    root.backward()
    assert [leaf.grad for leaf in leaves] == [2 * gradient for gradient in once]
    assert [node.grad for node in interior] == inside


@every_program
@given(programs(), st.sampled_from([-1.0, 0.0, 0.125, -32.0, 1024.0]))
def test_backward_is_linear_in_its_gradient(program: Program, gradient: float):
    """Times zero or a power of two, which round nothing, every grad comes out exactly as many times as large."""
    once, scaled = ([*leaves, *interior] for leaves, interior in (recorded(program), recorded(program)))
    once[-1].backward()
    scaled[-1].backward(gradient=gradient)
    assert [node.grad for node in scaled] == [gradient * node.grad for node in once]


@every_program
@given(programs())
def test_numbers_and_values_are_the_same_program(program: Program):
    assert run(program, program.leaves) == [node.data for node in run(program, [Value(x) for x in program.leaves])]


def test_what_the_programs_are_made_of():
    """The programs drawn do share results, repeat operands and put constants on either side."""
    seen = set()

    @every_program
    @given(programs())
    def look(program: Program) -> None:
        operands = [operand for step in program.steps for operand in step.operands if type(operand) is int]
        results = [operand for operand in operands if operand >= len(program.leaves)]
        seen.update(step.name for step in program.steps)
        seen.update({"shared result"} if len(set(results)) < len(results) else ())
        for step in program.steps:
            kinds = tuple(map(type, step.operands))
            seen.update({"x * x"} if len(set(step.operands)) < len(step.operands) else ())
            seen.update({"constant left"} if kinds == (float, int) else ())
            seen.update({"constant right"} if kinds == (int, float) else ())

    look()
    assert seen >= {*ROWS, "shared result", "x * x", "constant left", "constant right"}
