"""The table of cases that run through every path; see tests/paths.py. Later cases go here."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import autograd
from autograd import (
    Value,
    absolute,
    arccos,
    arcsin,
    arctan,
    cosh,
    divide,
    erf,
    exp,
    expm1,
    gaussian,
    log,
    log1p,
    logsumexp,
    maximum,
    minimum,
    relu,
    sech,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    stop_gradient,
    tan,
    tanh,
    where,
)
from tests.autograd import test_logical
from tests.autograd.compiler.eager import slopes
from tests.paths import (
    PATHS,
    Case,
    CLibrary,
    available_kernels,
    by_parameters,
    by_rows,
    disagreements,
    kernels,
    reference,
)
from tests.random_paths import exact_steps, function_of, points, programs

inf, nan, tiny = math.inf, math.nan, 5e-324
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.0,
    3.0,
    inf,
    -inf,
    nan,
    1e-310,
    -1e-310,
    tiny,
    1e200,
    -1e200,
    1e308,
    1e-80,
    1e90,
]
ONE = [(x,) for x in SPECIAL]


def of_root(x: Any) -> Any:
    r = sqrt(x)
    return where(r > 0.5, r, 1.0)


def robust(x: Any, y: Any) -> Any:
    r = sqrt((x - y) ** 2)
    return where(r < 1.0, 0.5 * r * r, r - 0.5)


SELECTIONS = [
    Case(
        "a branch whose condition uses its node",
        of_root,
        [(0.0,), (0.1,), (4.0,), (-1.0,)],
        right={(0.0,): (1.0, (0.0,)), (4.0,): (2.0, (0.25,))},
    ),
    Case("a robust loss", robust, [(1.0, 1.0), (1.0, 1.5), (1.0, 5.0), (1e200, 0.0)]),
    Case("the other branch", lambda x: where(x > 0, 1.0, log(-x)), [(-2.0,), (-1e-310,)]),
    Case(
        "maximum of a root",
        lambda x: maximum(sqrt(x), 1e-6),
        [(0.0,), (1e-13,), (4.0,), (nan,), (-1.0,)],
        right={(0.0,): (1e-6, (0.0,))},
    ),
    Case("minimum of a root", lambda x: minimum(1.0, -sqrt(x)), [(0.0,), (4.0,)]),
    Case(
        "minimum that takes no root", lambda x: minimum(-1.0, sqrt(x)), [(0.0,), (4.0,)], right={(0.0,): (-1.0, (0.0,))}
    ),
    Case("relu of a root", lambda x: relu(sqrt(x) - 1.0), [(0.0,), (0.5,), (4.0,)], right={(0.0,): (0.0, (0.0,))}),
    Case("a root of relu", lambda x: sqrt(relu(x)), [(-1.0,), (0.0,), (4.0,)], right={(-1.0,): (0.0, (0.0,))}),
    Case("abs of a root", lambda x: abs(sqrt(x)), [(0.0,), (4.0,)], right={(0.0,): (0.0, (0.0,))}),
    Case("a root of abs", lambda x: sqrt(absolute(x)), [(0.0,), (-4.0,)], right={(0.0,): (0.0, (0.0,))}),
    Case(
        "a tie of roots",
        lambda x, y: maximum(sqrt(x), sqrt(y)),
        [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (4.0, 0.0)],
        right={(0.0, 1.0): (1.0, (0.0, 0.5))},
    ),
    Case("selected beside not", lambda x: maximum(sqrt(x), 1.0) + sqrt(x), [(0.0,), (4.0,)]),
    Case(
        "selected within",
        lambda x, y: maximum(minimum(sqrt(x), y), relu(y - 1.0)),
        [(0.0, 0.5), (0.0, 3.0), (4.0, 3.0)],
    ),
    Case(
        "a choice within a maximum",
        lambda x, y: maximum(where(y > 0, sqrt(x), x), y * 2.0),
        [(0.0, 1.0), (0.0, -1.0), (0.0, 0.0), (9.0, 1.0)],
    ),
    Case(
        "a maximum within a choice",
        lambda x, y: where(x < 1, maximum(sqrt(x), y), lambda: log(x)),
        [(0.0, 1.0), (0.0, 0.0), (0.5, 0.1), (3.0, 0.0)],
    ),
    Case("a zero that was computed", lambda x: sqrt(x) ** 2, [(0.0,), (4.0,)], right={(0.0,): (0.0, (nan,))}),
    Case("a zero factor", lambda x: 0.0 * sqrt(x), [(0.0,), (4.0,)]),
    Case("two roots", lambda x, y: sqrt(x) + y, [(0.0, 0.5), (1.0, 0.0)]),
    Case(
        "many maxima",
        lambda x, y: autograd.sum([maximum(sqrt(x) * k, y) for k in range(1, 9)]),
        [(0.0, 1.0), (4.0, 5.0)],
    ),
    Case(
        "the distance of a point to itself",
        lambda x, y: maximum(sqrt(x * x + y * y) - 1.0, 0.0),
        [(0.0, 0.0), (3.0, 4.0)],
    ),
    Case("where on a maximum", lambda x: where(maximum(sqrt(x), 0.5) > 0.5, sqrt(x), x), [(0.0,), (4.0,)]),
    Case(
        "leaky",
        lambda x: sqrt(x).leaky_relu(0.1) if hasattr(x, "leaky_relu") else autograd.leaky_relu(sqrt(x), 0.1),
        [(0.0,), (4.0,)],
    ),
    Case("stopped", lambda x: maximum(stop_gradient(sqrt(x)), x), [(0.0,), (4.0,), (0.25,)]),
    Case(
        "a network of relu",
        lambda x, y: relu(2.0 * sqrt(x) + 3.0 * y - 5.0) + relu(sqrt(x) - y),
        [(0.0, 1.0), (4.0, 1.0)],
    ),
]
POWERS = [
    *(
        Case(f"x**{y}", lambda x, y=y: x**y, ONE)
        for y in (-4, -3, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 0.25, 1e-20)
    ),
    Case(
        "x**-2 far out",
        lambda x: x**-2,
        [(1e-80,), (1e90,), (1e-150,), (1e155,), (1e160,)],
        right={(1e-80,): (1e160, (-2e240,)), (1e90,): (1e-180, (-2e-270,))},
    ),
    Case(
        "x**y",
        lambda x, y: x**y,
        [
            (2.0, 0.5),
            (-8.0, 3.0),
            (0.0, 0.0),
            (0.0, -1.0),
            (-8.0, 0.5),
            (1e200, 2.0),
            (nan, 0.0),
            (inf, -1.0),
            (-inf, 0.5),
            (0.0, 2.0),
            (-0.0, 3.0),
            (2.0, 1e308),
        ],
    ),
    Case("2**x", lambda x: 2.0**x, [(0.0,), (10.0,), (1024.0,), (-1100.0,), (inf,), (-inf,), (nan,)]),
    Case(
        "x/y",
        divide,
        [
            (0.0, 1e-310),
            (1.0, 0.0),
            (0.0, 0.0),
            (1.0, 3.0),
            (1e300, 1e-10),
            (2e-310, 1e-310),
            (1.0, inf),
            (inf, 2.0),
            (1e-320, 1e-309),
            (3.0, 1.5e308),
            (-0.0, 2.0),
            (nan, 0.0),
        ],
    ),
    Case("1/x", lambda x: 1 / x, ONE),
    Case("1/(x + 0)", lambda x: 1 / (x + 0.0), [(5.0,), (-1e-300,)]),
    Case("zeros with signs", lambda x: x + 0.0, [(-0.0,), (0.0,), (2.0,)]),
    Case("minus a product", lambda x, y: -(x * y), [(0.0, 1.0), (-0.0, 1.0), (0.0, -1.0), (2.0, 3.0)]),
    Case("x - 0", lambda x: x - 0.0, [(-0.0,), (0.0,)]),
    Case("squares of huge numbers", lambda x: (x * x) * 1e-200, [(1e150,), (1e160,), (-3.0,)]),
    Case("an adjoint that is huge", lambda x: x * x * 1e308, [(0.1,), (0.0,)]),
    Case("a square root in a quotient", lambda x, y: x / y**0.5, [(1.0, 4.0), (1.0, 0.0), (0.0, 1e-300)]),
    Case("a sum of -0.0", lambda x, y: x * 2.0 + y * 3.0, [(-0.0, -0.0), (0.0, -0.0)]),
]
FORMS = [
    Case(
        "logsumexp",
        lambda x, y: logsumexp([x, y]),
        [
            (0.0, -30.0),
            (-30.0, 0.0),
            (0.0, 0.0),
            (1e308, 1e308),
            (0.0, -800.0),
            (inf, 0.0),
            (-inf, -inf),
            (-inf, 1.0),
            (nan, 0.0),
            (700.0, -700.0),
        ],
        right={(0.0, -30.0): (9.357622968839e-14, (1.0, 9.357622968839e-14))},
        scale=0.0,
    ),
    Case(
        "logsumexp of three",
        lambda x, y, z: logsumexp([x, y, z]),
        [(0.0, -30.0, -31.0), (-20.0, 0.0, 0.0), (1.0, 2.0, 3.0)],
    ),
    Case(
        "log_softmax",
        lambda x, y: autograd.log_softmax([x, y])[0],
        [(0.0, -30.0), (-30.0, 0.0), (20.0, -20.0), (1.0, 1.0)],
        scale=0.0,
    ),
    Case("softmax", lambda x, y: autograd.softmax([x, y])[0], [(0.0, -30.0), (30.0, 0.0), (1.0, 1.0)]),
    Case("a binary cross-entropy", lambda z: softplus(-z) + 0.25 * z, [(0.0,), (30.0,), (-30.0,), (800.0,)]),
]
ERRORS = [
    Case(
        "a condition that is not defined", lambda x: where(log(x) > 0, x, -x), [(-1.0,), (0.0,), (0.5,), (3.0,), (nan,)]
    ),
    Case("an overflow that vanishes", lambda x: 1 / exp(x), [(1000.0,), (-1000.0,), (1.0,)]),
    Case("a quotient that vanishes", lambda x: 1 / (1 / x), [(0.0,), (2.0,)]),
    Case("a logarithm that vanishes", lambda x: exp(log(x)), [(0.0,), (2.0,)]),
    Case("after an infinity", lambda x, y: x + log(y), [(inf, 1.0), (1.0, -1.0), (nan, 2.0)]),
    Case("an error that is not taken", lambda x: where(x > 0, lambda: log(x), lambda: -x), [(-1.0,), (2.0,), (0.0,)]),
    Case("a root of what is negative", lambda x: sqrt(x), ONE),
    Case("a power in a condition", lambda x: where(x**2 > 1.0, x, 0.0), [(1e200,), (2.0,), (0.0,)]),
    Case("sin of infinity", lambda x: maximum(sin(x), 2.0), [(inf,), (1.0,)]),
    *(
        Case(f.name, f, [(x,) for x in (0.5, 0.0, -0.0, -0.75, 1.0, -1.0, 20.0, -20.0, 800.0, -800.0, inf, -inf, nan)])
        for f in (
            exp,
            expm1,
            log,
            log1p,
            sqrt,
            sin,
            tan,
            arcsin,
            arccos,
            arctan,
            sinh,
            cosh,
            erf,
            gaussian,
            softplus,
            relu,
            absolute,
        )
    ),
    *(
        Case(f.name, f, [(x,) for x in (0.5, 0.0, -0.0, -0.75, 3.0, -3.0, 800.0, -800.0, inf, -inf, nan)], scale=1e-3)
        for f in (tanh, sigmoid, sech)
    ),
]
ERRORS += [
    Case(
        "two errors, the later one used first",
        lambda x, y: (lambda a, b: b + a)(log(x), sqrt(y)),
        [(-1.0, -1.0), (1.0, -1.0)],
    ),
    Case(
        "an error in a branch and one behind",
        lambda x: where(x > 0, lambda: log(x - 5.0), lambda: sqrt(x)) + 1 / x,
        [(1.0,), (-1.0,), (0.0,), (6.0,)],
    ),
]
PARAMETERS = [Value(-0.0) for _ in range(20)]
ERRORS += [
    Case("a root to the power of 0", lambda x: sqrt(x) ** 0, [(-1.0,), (0.0,), (4.0,)]),
    Case("a sum of many -0.0", lambda x: autograd.sum(PARAMETERS) + x, [(-0.0,), (0.0,)]),
    Case("a product of many -0.0", lambda x: autograd.dot(PARAMETERS, [1.0] * 20) + x, [(-0.0,), (0.0,)]),
]
POWERS = [case._replace(scale=0.0) for case in POWERS]  # to the last digits at both ends of the range
CASES = [*SELECTIONS, *POWERS, *FORMS, *ERRORS, *(Case(*case) for case in test_logical.CASES)]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_comes_to_one_number(path: str):
    wrong = [line for case in CASES for line in disagreements(case, PATHS[path])]
    assert not wrong, "\n".join([f"{len(wrong)}:", *wrong])


@pytest.mark.parametrize("name", available_kernels())
def test_every_set_of_kernels_comes_to_one_number(name: str):
    with kernels(name):
        wrong = [line for case in CASES for path in (by_rows, by_parameters) for line in disagreements(case, path)]
    assert not wrong, "\n".join([f"{len(wrong)}:", *wrong])


def test_c_source_comes_to_one_number(tmp_path: Path):
    path = CLibrary(CASES, str(tmp_path))
    wrong = [line for case in CASES for line in disagreements(case, path)]
    assert not wrong, "\n".join([f"{len(wrong)}:", *wrong])


RANDOM = {name: PATHS[name] for name in ("grad", "one row", "backward over rows", "to_python")} | {
    "rows": lambda case: by_rows(case, counts=(7,))
}


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "200")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(exact_steps, programs, points)
def test_random_programs_come_to_one_number(exact: Any, program: Any, at: Any):
    function = function_of(exact, program)
    kept = []
    for point in at:
        outcome = reference(Case("", function, [point]), point)
        if outcome.error and any(step[0] == "where" for step in program):
            continue  # perhaps in what a choice then does not take, which a compiled function does not run
        terms = [1.0] if outcome.error else sizes(function, point)
        if not outcome.error and not math.isfinite(outcome.value):
            terms = [1e289]  # the sum of the terms is not known: what is infinite or NaN is compared
        if max(terms) < 1e290:  # else a sum in another order may overflow, or not
            kept.append((point, max(terms)))
    for path in RANDOM.values():
        for point, scale in kept:
            wrong = disagreements(Case(f"{exact} {program}", function, [point], scale, strict=False), path)
            assert not wrong, "\n".join(wrong)


def sizes(function: Any, point: Any) -> list[float]:
    """The sums of the absolute terms of the value and of the gradient."""
    x = [Value(number) for number in point]
    result = function(*x)
    if not isinstance(result, Value):
        return [1.0]
    _, of_gradient, of_value = slopes(result, x)
    return [1.0, of_value, *of_gradient]


def test_the_reference_is_right():
    wrong = [
        line
        for case in CASES
        if case.right
        for line in disagreements(case, lambda c: (reference(c, p) for p in c.points))
    ]
    assert not wrong, "\n".join(wrong)


def all_outcomes() -> list[str]:
    return [repr(reference(case, point)) for case in CASES for point in case.points]


def test_both_engines_come_to_the_same_bits():
    code = "import json; from tests.autograd.test_paths import all_outcomes; print(json.dumps(all_outcomes()))"
    environment = os.environ | {"AUTOGRAD_PURE_PYTHON": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == all_outcomes()
