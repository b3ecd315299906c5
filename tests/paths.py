"""One number from every path: a function at a point, run by every engine that there is, and what they say compared.

A `Case` is a function of plain positional numbers and the points where it is asked. `reference` is what Value and grad
say of a point; `PATHS` are all other ways to the same numbers. A path answers with an `Outcome` for each point: the
value and the gradient, or the kind of error and its first line.

Values agree to the last bit or to 1e-12 relative to the largest number on the way, signs of zeros included; where a
derivative is infinite or NaN, it is so on every path.
"""

from __future__ import annotations

import ctypes
import math
import os
import pickle
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value
from autograd._native import extension

Point = tuple[float, ...]
KERNELS = ("avx512", "avx2", "baseline")
ROWS = (1, 7, 1000)


class Case(NamedTuple):
    name: str
    function: Callable[..., Any]
    points: Sequence[Point]
    scale: float = 1.0  # of the numbers on the way: what 1e-12 is relative to, beside the result
    # Whether a zero has its sign, and an infinite derivative is no NaN. Steps that are equal are one in a compiled
    # function, and inf - inf can be 0 * inf there; a product that underflows within a sum may lose its sign.
    strict: bool = True
    # What is right, where that is not for the reference to say: {point: (value, gradient)}.
    right: dict[Point, tuple[float, Point]] = {}  # noqa: RUF012


class Outcome(NamedTuple):
    value: float = math.nan
    gradient: Point = ()
    error: str = ""  # "ValueError: log is not defined at -1.0"

    def agrees(self, other: Outcome, case: Case) -> bool:
        if self.error or other.error:
            return self.error == other.error
        zero = self.value == 0 and case.strict
        if zero and math.copysign(1.0, self.value) != math.copysign(1.0, other.value):
            return False
        pairs = zip(self.gradient, other.gradient, strict=True)
        if not case.strict:
            pairs = [pair for pair in pairs if any(map(math.isfinite, pair))]
        return close(self.value, other.value, case.scale) and all(close(a, b, case.scale) for a, b in pairs)


SUBNORMAL = 1e-320  # what is lost in a sum of a thousand subnormal terms


def close(a: float, b: float, scale: float) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return (
        abs(a - b) <= 1e-12 * max(abs(a), abs(b), min(scale, 1e290)) + SUBNORMAL
        if math.isfinite(a) and math.isfinite(b)
        else False
    )


def attempt(answer: Callable[[], Outcome]) -> Outcome:
    try:
        return answer()
    except (ArithmeticError, ValueError) as error:
        first = re.sub(r", in row \d+$", "", str(error).split("\n")[0].rstrip("."))
        return Outcome(error=f"{type(error).__name__}: {first}")


def worst(answers: Sequence[Outcome], expected: Outcome, case: Case) -> Outcome:
    """The first that disagrees, else any."""
    return next((answer for answer in answers if not answer.agrees(expected, case)), answers[0])


def reference(case: Case, point: Point) -> Outcome:
    def answer() -> Outcome:
        x = [Value(number) for number in point]
        result = case.function(*x)
        if not isinstance(result, Value):
            return Outcome(float(result), (0.0,) * len(point))
        result.backward()
        return Outcome(result.data, tuple(leaf.grad for leaf in x))

    return attempt(answer)


# ------------------------------------------------------------------------------------------------------------ eager


def by_grad(case: Case) -> Iterator[Outcome]:
    places = tuple(range(len(case.points[0])))
    for point in case.points:
        yield attempt(lambda point=point: Outcome(*autograd.value_and_grad(case.function, places)(*point)))


def by_grad_nested(case: Case) -> Iterator[Outcome]:
    """On Values, so that the derivative is a graph itself."""
    places = tuple(range(len(case.points[0])))

    def answer(point: Point) -> Outcome:
        value, gradient = autograd.value_and_grad(case.function, places)(*map(Value, point))
        return Outcome(value.data, tuple(partial.data for partial in gradient))

    for point in case.points:
        yield attempt(lambda point=point: answer(point))


def by_jacobian(case: Case) -> Iterator[Outcome]:
    places = tuple(range(len(case.points[0])))

    def answer(point: Point) -> Outcome:
        rows = autograd.jacobian(lambda *x: [case.function(*x)], places)(*point)
        return Outcome(reference(case, point).value, tuple(row[0] for row in rows))

    for point in case.points:
        yield attempt(lambda point=point: answer(point))


def by_jvp(case: Case) -> Iterator[Outcome]:
    """Forward, one direction after the other: all components but one are 0.0."""

    def answer(point: Point) -> Outcome:
        gradient, value = [], math.nan
        for place in range(len(point)):
            direction = tuple(float(place == k) for k in range(len(point)))
            value, derivative = autograd.jvp(case.function, point, direction)
            gradient.append(derivative)
        return Outcome(value, tuple(gradient))

    for point in case.points:
        yield attempt(lambda point=point: answer(point))


def by_explanation(case: Case) -> Iterator[Outcome]:
    """The sums that `explain` shows; `detect_anomaly` stops at an adjoint that is not finite, and at no other."""

    def answer(point: Point) -> Outcome:
        x = [Value(number) for number in point]
        result = case.function(*x)
        if not isinstance(result, Value):
            return Outcome(float(result), (0.0,) * len(point))
        explained = [autograd.explain(result, leaf) for leaf in x]
        for explanation in explained:
            total = sum(use.product for use in explanation.consumers)
            assert total == explanation.total or explanation.total != explanation.total or result in x
        stopped = False
        if all(math.isfinite(node.data) for node in autograd.topological_order(result)):
            try:
                with autograd.detect_anomaly():
                    result.backward()
            except FloatingPointError:
                stopped = True
            assert stopped or all(math.isfinite(leaf.grad) for leaf in x)
            assert not stopped or not all(math.isfinite(node.grad) for node in derived(result))
        return Outcome(result.data, tuple(explanation.total for explanation in explained))

    for point in case.points:
        yield attempt(lambda point=point: answer(point))


def derived(result: Value) -> list[Value]:
    result.backward()
    return autograd.topological_order(result)


# --------------------------------------------------------------------------------------------------------- compiled


def compiled(case: Case) -> Any:
    return autograd.compile(case.function, example=(0.0,) * len(case.points[0]))


def by_one_row(case: Case, f: Any = None) -> Iterator[Outcome]:
    f = f or compiled(case)

    def answer(point: Point) -> Outcome:
        value, gradient = f.value_and_grad(*point)
        assert close(f(*point), value, case.scale)
        return Outcome(value, tuple(gradient))

    for point in case.points:
        yield attempt(lambda point=point: answer(point))


def by_saved_file(case: Case) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        compiled(case).save(f"{folder}/f.json")
        yield from by_one_row(case, autograd.Compiled.load(f"{folder}/f.json"))


def by_pickle(case: Case) -> Iterator[Outcome]:
    yield from by_rows(case, pickle.loads(pickle.dumps(compiled(case))), counts=(7,))


def by_rows(case: Case, f: Any = None, counts: Sequence[int] = ROWS, threads: int = 1) -> Iterator[Outcome]:
    """The points that raise one by one, behind rows that do not; all others side by side, in both orders of memory."""
    f = f or compiled(case)
    expected = [reference(case, point) for point in case.points]
    fine = [point for point, outcome in zip(case.points, expected) if not outcome.error]
    outcomes: dict[int, list[Outcome]] = {}
    position = iter(range(len(fine)))
    for count in counts if fine else ():
        rows = np.array([fine[k % len(fine)] for k in range(max(count, len(fine)) if count > 1 else count)])
        for order in "CF":
            errors = "nan" if order == "F" else "raise"
            values, gradients = f.batch_value_and_grad(np.array(rows, order=order), threads=threads, errors=errors)
            alone = f.batch(np.array(rows, order=order), threads=threads)
            assert all(close(a, b, case.scale) for a, b in zip(alone.tolist(), values.tolist()))
            for k in range(len(rows)):
                outcomes.setdefault(k % len(fine), []).append(Outcome(values[k].item(), tuple(gradients[k].tolist())))
    for point, outcome in zip(case.points, expected):
        if outcome.error:
            table = np.array([*fine[:3], point])
            for call in (f.batch, f.batch_value_and_grad):
                found = attempt(lambda call=call, table=table: Outcome(call(table) is None))
                if found != outcome:
                    break
            yield found
        else:
            yield worst(outcomes[next(position)], outcome, case)


def by_threads(case: Case) -> Iterator[Outcome]:
    yield from by_rows(case, counts=(1000,), threads=2)


def by_parameters(case: Case) -> Iterator[Outcome]:
    """The numbers as parameters, times 1.0 from the rows: f.backward adds the gradient to their `.grad`."""
    parameters = [Value(0.0) for _ in case.points[0]]
    f = autograd.compile(
        lambda *ones: case.function(*(one * p for one, p in zip(ones, parameters))), example=(1.0,) * len(parameters)
    )

    def answer(point: Point, count: int) -> Outcome:
        for parameter, number in zip(parameters, point):
            parameter.data, parameter.grad = number, 0.0
        value = f.backward(np.ones((count, len(parameters))))
        if value == 0:  # a sum starts from 0.0, to which -0.0 adds nothing
            value = math.copysign(value, reference(case, point).value)
        return Outcome(value, tuple(parameter.grad for parameter in parameters))

    for point in case.points:
        expected = reference(case, point)
        yield worst([attempt(lambda point=point, count=count: answer(point, count)) for count in ROWS], expected, case)


# --------------------------------------------------------------------------------------------------------- as source


def by_python_source(case: Case) -> Iterator[Outcome]:
    scope: dict[str, Any] = {}
    exec(compiled(case).to_python("f"), scope)

    def answer(point: Point) -> Outcome:
        value, gradient, *_ = scope["f_value_and_grad"](*point)
        return Outcome(value, tuple(gradient))

    for point in case.points:
        found, expected = attempt(lambda point=point: answer(point)), reference(case, point)
        if found.error and expected.error:  # Python's own words
            same = found.error.split(":")[0] == expected.error.split(":")[0]
            found = expected if same else found
        yield found


class CLibrary:
    """All cases in one C file, built once. Where the function raises, C goes on, and nothing is compared."""

    def __init__(self, cases: Sequence[Case], folder: str) -> None:
        self.names = {case.name: f"case_{k}" for k, case in enumerate(cases)}
        functions = {case.name: compiled(case) for case in cases}
        self.parameters = {name: len(f.parameters) for name, f in functions.items()}
        text = "\n".join(f.to_c(self.names[name]) for name, f in functions.items())
        source, library = Path(folder, "cases.c"), Path(folder, "cases.so")
        source.write_text(text, encoding="ascii")
        flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, str(source), "-o", str(library), "-lm"], check=True)
        self.library = ctypes.CDLL(str(library))

    def __call__(self, case: Case) -> Iterator[Outcome]:
        function = getattr(self.library, self.names[case.name] + "_value_and_grad")
        function.restype = ctypes.c_double
        for point in case.points:
            bars = (ctypes.c_double * len(point))()
            inputs: list[Any] = [ctypes.c_double(number) for number in point]
            if len(point) > 16:
                inputs = [(ctypes.c_double * len(point))(*point)]
            count = self.parameters[case.name]
            numbers = ([None], [(ctypes.c_double * count)()]) if count else ([], [])  # NULL: those of the source
            value = function(*inputs, *numbers[0], bars, *numbers[1])
            expected = reference(case, point)
            yield expected if expected.error else Outcome(value, tuple(bars))


# ---------------------------------------------------------------------------------------------------------- all paths

PATHS: dict[str, Callable[[Case], Iterator[Outcome]]] = {
    "grad": by_grad,
    "grad on Values": by_grad_nested,
    "jacobian": by_jacobian,
    "jvp": by_jvp,
    "explain": by_explanation,
    "one row": by_one_row,
    "a saved file": by_saved_file,
    "rows": by_rows,
    "two threads": by_threads,
    "a pickle": by_pickle,
    "backward over rows": by_parameters,
    "to_python": by_python_source,
}


@contextmanager
def kernels(name: str) -> Iterator[None]:
    before = os.environ.get("AUTOGRAD_KERNELS")
    os.environ["AUTOGRAD_KERNELS"] = name
    try:
        yield
    finally:
        del os.environ["AUTOGRAD_KERNELS"]
        if before is not None:
            os.environ["AUTOGRAD_KERNELS"] = before


def available_kernels() -> list[str]:
    """Those that this processor has, without the widest, which run anyway."""
    found = []
    for name in KERNELS if extension("tapes") is not None else ():
        with kernels(name):
            try:
                autograd.compile(lambda x: x)(1.0)
                found.append(name)
            except ValueError:
                pass
    return found


def disagreements(case: Case, path: Callable[[Case], Iterator[Outcome]]) -> list[str]:
    """What the path says otherwise than the reference, or than what is right."""
    wrong = []
    for point, found in zip(case.points, path(case), strict=True):
        expected = reference(case, point)
        if point in case.right:
            value, gradient = case.right[point]
            expected = Outcome(value, gradient)
        if not found.agrees(expected, case):
            wrong.append(f"{case.name} at {point}: {found}, not {expected}")
    return wrong
