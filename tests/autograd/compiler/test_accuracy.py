"""Elementary functions over rows: within 4 ulp of mpmath over all doubles, and IEEE's special values.

Where the operations are Python's (no kernels in C), they are held to the same bar.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import OPERATIONS
from benchmarks.references import REFERENCES, mp

inf, nan = math.inf, math.nan
BAR = 4.0  # ulp
COUNT = 2000  # arguments of each function


def around(x: float, steps: int = 3) -> list[float]:
    """The doubles beside x."""
    found, below, above = [x], x, x
    for _ in range(steps):
        below, above = math.nextafter(below, -inf), math.nextafter(above, inf)
        found += [below, above]
    return found


# Where a method changes: rounding steps, the ends of polynomials, overflow, the subnormal numbers.
HARD: dict[str, list[float]] = {
    "exp": [709.78, 709.782712893384, -708.3964185322641, -745.1332191019411, -745.2, -700.0, 0.34657359, -37.4, 710.0],
    "expm1": [709.78, 709.782712893384, 710.0, 2.0**-54, -(2.0**-54), -37.4, -40.0, 0.34657359, -0.6931471805599453],
    "log": [1.0, 2.0**0.5, 0.5**0.5, 2.0, 0.5, 2.0**-1022, 2.0**-1074, 1.7976931348623157e308, math.e],
    "log1p": [2.0**0.5 - 1, 0.5**0.5 - 1, -0.9999999999999999, 1.0, 2.0**-53, -(2.0**-53), 1e308, 2.0**52, -0.5],
    "tanh": [20.0, 18.7, 0.1732867951399863, 0.5, 1.0, 2.0**-27, 2.0**-1074, 22.0, 0.55, 1e308],
    "sigmoid": [36.7, -36.7, -708.4, -745.1, 709.8, -709.8, 0.5, -1.0, 40.0, -744.0],
    "softplus": [36.7, -36.7, -708.4, -745.1, 709.8, 0.5, -1.0, 40.0, -0.8813735870195429, 0.8813735870195429],
    "sin": [math.pi, math.pi / 2, math.pi / 4, 2 * math.pi, 1e5, 50000.0, 32768 * math.pi, 11.0, 22.0, 1e22],
    "cos": [math.pi, math.pi / 2, math.pi / 4, 2 * math.pi, 1e5, 50000.0, 1.5 * math.pi, 11.0, 355 / 2, 1e22],
    "erf": [1.0, 6.0, 5.9, 0.5, 2.5, 0.84375, 1.25, 3.0, 5.8, 2.0**-28],
}  # fmt: skip
POSITIVE = {"log": 0.0, "log1p": -1.0}


def arguments(name: str, count: int) -> np.ndarray:
    generator = random.Random(name)
    found = [y for x in HARD[name] for sign in (1, -1) for y in around(sign * x)]
    found += [k * math.pi / 4 for k in range(-200, 200, 7)] + [
        sign * 2.0**k for k in range(-1074, 1024, 37) for sign in (1, -1)
    ]
    while len(found) < count:
        kind = generator.randrange(5)
        if kind == 0:
            x = generator.uniform(-5, 5)
        elif kind == 1:
            x = generator.uniform(-760, 760)
        elif kind == 2:
            x = generator.choice(HARD[name]) * (1 + generator.gauss(0, 1e-3))
        else:
            limits = (-1074, 1023) if kind == 3 else (-60, 10)
            x = generator.choice([1, -1]) * generator.uniform(1, 2) * 2.0 ** generator.randint(*limits)
        found.append(x)
    above = POSITIVE.get(name)
    x = np.array(found if above is None else [x for x in found if x > above])
    with np.errstate(over="ignore"):
        kept = np.exp(np.where(name in ("exp", "expm1"), x, 0.0)) < inf
    return x[kept & np.isfinite(x)].reshape(-1, 1)


def exact(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The function at each x as a sum of two doubles."""
    value: Callable[..., Any] = REFERENCES[name].value
    high, low = [], []
    with mp.workdps(30):
        for number in x[:, 0].tolist():
            y = value(mp.mpf(number))
            high.append(float(y))
            low.append(float(y - mp.mpf(high[-1])))
    return np.array(high), np.array(low)


@pytest.fixture(scope="module")
def references() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    found = {}
    for name in HARD:
        x = arguments(name, COUNT)
        found[name] = (x, *exact(name, x))
    return found


def test_functions_are_within_4_ulp(kernels: str, references: dict[str, Any]):
    for name, (x, high, low) in references.items():
        assert len(x) > COUNT / 3, name
        f = autograd.compile(OPERATIONS[name], example=(0.0,))
        found = f.batch(x)
        errors = np.abs((found - high) - low) / np.spacing(np.abs(high))
        worst = int(np.argmax(np.where(np.isnan(errors), inf, errors)))
        assert errors[worst] <= BAR, (name, x[worst, 0].hex(), errors[worst])


def test_functions_of_a_layer_are_as_accurate(kernels: str, references: dict[str, Any]):
    """The activation of a layer, in its values."""
    for name in ("tanh", "sigmoid"):
        x, high, low = references[name]
        w, v = autograd.Value(1.0), autograd.Value(-1.0)
        f = autograd.compile(lambda x, op=OPERATIONS[name], w=w, v=v: [op(w * x + 0.0 * w), op(v * x + 0.0 * w)])
        values = f.batch(x)
        errors = np.abs((values[:, 0] - high) - low) / np.spacing(np.abs(high))
        assert np.max(errors) <= BAR, (name, x[int(np.argmax(errors)), 0])
        mirrored = -values[:, 1] if name == "tanh" else 1.0 - values[:, 1]
        assert np.max(np.abs(mirrored - values[:, 0])) < 1e-15


def test_what_shares_its_work_has_the_digits_of_each_alone(kernels: str, references: dict[str, Any]):
    """Sine and cosine of one number, and erf with its derivative, are computed together."""
    ends = [[inf], [-inf], [nan], [0.0], [-0.0], [50.0], [-27.0], [5e-324]]
    x = np.vstack([*(references[name][0] for name in ("sin", "cos", "erf")), np.array(ends)])
    both = autograd.compile(lambda x: [autograd.cos(x), autograd.sin(x)], example=(0.0,)).batch(x, errors="nan")
    for place, name in enumerate(("cos", "sin")):
        alone = autograd.compile(OPERATIONS[name], example=(0.0,)).batch(x, errors="nan")
        assert np.array_equal(both[:, place].view(np.int64), alone.view(np.int64)), name
    f = autograd.compile(autograd.erf, example=(0.0,))
    values, partials = f.batch_value_and_grad(x, errors="nan")
    assert np.array_equal(values.view(np.int64), f.batch(x, errors="nan").view(np.int64))
    x, slope = x[: -len(ends)], 2 / np.sqrt(mp.pi)
    with mp.workdps(30):
        exactly = [slope * mp.exp(-(mp.mpf(number) ** 2)) for number in x[:, 0].tolist()]
        for found, number, argument in zip(partials[:, 0].tolist(), exactly, x[:, 0].tolist()):
            assert abs(mp.mpf(found) - number) <= (BAR + 1) * math.ulp(float(number)), argument


SPECIAL: dict[str, list[tuple[float, float]]] = {
    "exp": [(-inf, 0.0), (inf, inf), (0.0, 1.0), (-0.0, 1.0), (1e308, inf), (-1e308, 0.0), (5e-324, 1.0), (710.0, inf)],
    "expm1": [(-inf, -1.0), (inf, inf), (0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (-5e-324, -5e-324), (-1e9, -1.0)],
    "log": [(0.0, -inf), (-0.0, -inf), (inf, inf), (1.0, 0.0), (-1.0, nan), (-inf, nan), (-5e-324, nan), (-1e308, nan)],
    "log1p": [(-1.0, -inf), (inf, inf), (0.0, 0.0), (-0.0, -0.0), (-2.0, nan), (-inf, nan), (5e-324, 5e-324)],
    "tanh": [(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (1e308, 1.0), (-1e308, -1.0), (5e-324, 5e-324)],
    "sigmoid": [(inf, 1.0), (-inf, 0.0), (0.0, 0.5), (-0.0, 0.5), (1e308, 1.0), (-1e308, 0.0), (40.0, 1.0)],
    "softplus": [(inf, inf), (-inf, 0.0), (1e308, 1e308), (-1e308, 0.0), (800.0, 800.0)],
    "sin": [(inf, nan), (-inf, nan), (0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (-5e-324, -5e-324)],
    "cos": [(inf, nan), (-inf, nan), (0.0, 1.0), (-0.0, 1.0), (5e-324, 1.0)],
    "erf": [(inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0), (1e308, 1.0), (-7.0, -1.0)],
    "sqrt": [(inf, inf), (0.0, 0.0), (-0.0, -0.0), (-1.0, nan), (4.0, 2.0), (5e-324, 2.2227587494850775e-162)],
    "absolute": [(-0.0, 0.0), (-inf, inf), (-1.0, 1.0)],
    "negative": [(0.0, -0.0), (-inf, inf)],
    "relu": [(-0.0, 0.0), (inf, inf), (-inf, 0.0), (5e-324, 5e-324)],
}  # fmt: skip


def test_special_values(kernels: str):
    for name, pairs in SPECIAL.items():
        f = autograd.compile(OPERATIONS[name], example=(0.0,))
        pairs = [*pairs, (nan, nan)]
        for count in (len(pairs), 1):
            for start in range(0, len(pairs), count):
                some = pairs[start : start + count]
                found = f.batch([[x] for x, _ in some], errors="nan")
                for y, (x, expected) in zip(found.tolist(), some):
                    same = math.isnan(y) if math.isnan(expected) else y == expected
                    signs = math.isnan(expected) or math.copysign(1.0, y) == math.copysign(1.0, expected)
                    assert same and signs, (name, x, y, expected)


def test_results_stay_in_their_ranges(kernels: str, references: dict[str, Any]):
    for name, low, high in [
        ("tanh", -1, 1),
        ("sigmoid", 0, 1),
        ("sin", -1, 1),
        ("cos", -1, 1),
        ("erf", -1, 1),
        ("exp", 0, inf),
    ]:
        found = autograd.compile(OPERATIONS[name], example=(0.0,)).batch(references[name][0])
        assert low <= found.min() and found.max() <= high, name
