"""The worst error of every operation in ulp, beside mpmath at 50 digits: `python -m benchmarks.accuracy`.

For each operation 100,000 arguments (`--count`) are drawn from a fixed seed: a third over all exponents and signs of
the domain, a third evenly over its middle, a third close to zeros, ends and places where the formula changes. Value and
first derivatives are compared at each of them, second derivatives at every tenth. An ulp is a unit in the last place of
the exact result. The error of a second derivative, and that of the value of `logsumexp`, which has zeros inside, are
divided by the conditioning, the factor by which a relative change of the arguments comes out (where it is above 1).
Left out are arguments whose exact value is subnormal: what is computed from it cannot have more digits than it has; and
the ends of the domain, which tests/autograd/test_edges.py judges.

Goals: where the value is one call of Python's ("libm") the value has libm's own error by construction; else 3, which is
that of libm's worst (tanh, 2) and 1 more; first derivatives 4; second ones 8. `--markdown` prints README's table.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import autograd
from autograd import OPERATIONS
from benchmarks.references import REFERENCES, Reference, as_tuple, conditions, mp, ulps

NORMAL = 2.2250738585072014e-308  # the smallest double with all its digits
BIG = 1.797e308

# low and high end of the domain (or of what does not overflow), and points to go close to.
DOMAINS: dict[str, tuple[float, float, Sequence[float]]] = {
    "exp": (-745.0, 709.78, [0.0, 709.78, -708.0]),
    "expm1": (-1e3, 709.78, [0.0, 709.78]),
    "log": (0.0, BIG, [1.0, 0.0]),
    "log1p": (-1.0, BIG, [0.0, -1.0]),
    "sqrt": (0.0, BIG, [0.0, 1.0]),
    "sin": (-BIG, BIG, [0.0, math.pi / 2, math.pi, 22.0]),
    "cos": (-BIG, BIG, [0.0, math.pi / 2, math.pi, 11.0]),
    "tan": (-BIG, BIG, [0.0, math.pi / 2, math.pi, 22.0]),
    "arcsin": (-1.0, 1.0, [0.0, 1.0, -1.0, 0.5]),
    "arccos": (-1.0, 1.0, [0.0, 1.0, -1.0, 0.5]),
    "arctan": (-BIG, BIG, [0.0, 1.0, -1e8]),
    "sinh": (-710.47, 710.47, [0.0, 710.4]),
    "cosh": (-710.47, 710.47, [0.0, 710.4]),
    "sech": (-708.0, 708.0, [0.0, 0.88]),
    "gaussian": (-26.6, 26.6, [0.0, 0.7, 26.6]),
    "tanh": (-1e3, 1e3, [0.0, 0.66, 19.0]),
    "sigmoid": (-708.0, 1e3, [0.0, 37.0, -37.0]),
    "softplus": (-708.0, BIG, [0.0, 37.0, -37.0]),
    "erf": (-30.0, 30.0, [0.0, 1.0, 5.9]),
}


def doubles(generator: random.Random, low: float, high: float, near: Sequence[float]) -> Iterator[float]:
    """Over all exponents, over the middle, and near the given points, in turn; between low and high, and not 0."""
    ends = math.frexp(max(abs(low), abs(high)))[1]
    while True:
        spread = math.ldexp(generator.choice([-1, 1]) * generator.uniform(0.5, 1), generator.randint(-1021, ends))
        middle = generator.uniform(max(low, -800.0), min(high, 800.0)) * generator.choice([1.0, 0.1, 0.01])
        point = generator.choice(near)
        close = point + generator.choice([-1, 1]) * max(abs(point), 1.0) * 10 ** generator.uniform(-17, 0)
        yield from (x for x in (spread, middle, close) if low < x < high and x)


def singles(name: str, generator: random.Random) -> Iterator[tuple[float, ...]]:
    yield from zip(doubles(generator, *DOMAINS.get(name, (-BIG, BIG, [0.0, 1.0]))))


def pairs(generator: random.Random) -> Iterator[tuple[float, ...]]:
    """Both over all exponents, the second one close to the first, both moderate; in turn."""
    numbers = doubles(generator, -BIG, BIG, [0.0, 1.0])
    for a in numbers:
        yield a, next(numbers)
        yield a, a * (1 + generator.choice([-1, 1]) * 10 ** generator.uniform(-16, 0))


def powers(generator: random.Random) -> Iterator[tuple[float, ...]]:
    """x^y = e^t for t over all that does not overflow; x near 1; small y; whole y for x of moderate size; in turn.

    Only where y^2 x^(y-2) does not overflow: as a term of a derivative it can, although the derivative does not.
    """
    while True:
        x = math.ldexp(generator.uniform(0.5, 1), generator.randint(-1021, 1024))
        close = 1 + generator.choice([-1, 1]) * 10 ** generator.uniform(-12, -0.3)
        for a, b in (
            (x, generator.uniform(-705, 705) / math.log(x)),
            (close, generator.uniform(-705, 705) / math.log(close)),
            (x, generator.choice([-1, 1]) * 10 ** generator.uniform(-18, -2.5)),
            (generator.uniform(0, 20), float(generator.randint(-20, 20))),
        ):
            if abs((b - 2) * math.log(a)) + 2 * math.log1p(abs(b)) < 705:
                yield a, b


def logits(generator: random.Random) -> Iterator[tuple[float, ...]]:
    """One to five numbers up to +-1000, moderate ones, and such that ln(e^x_1 + ...) is close to 0."""
    while True:
        n = generator.randint(1, 5)
        yield tuple(generator.uniform(-1000, 1000) for _ in range(n))
        yield tuple(generator.gauss(0, 3) for _ in range(n))
        parts = [generator.uniform(0, 1) for _ in range(n + 1)]
        yield tuple(math.log(part / math.fsum(parts)) for part in parts)
        x = generator.uniform(-1000, 1000)
        yield x, x + generator.choice([-1, 1]) * 10 ** generator.uniform(-13, 3)


@dataclass(frozen=True)
class Subject:
    """What is measured: value and partials of the engine, the definition, the arguments."""

    name: str
    call: Callable[..., Any]
    partials: Callable[[Any, Sequence[Any]], Sequence[float]]
    reference: Reference
    arguments: Callable[[random.Random], Iterator[tuple[float, ...]]]
    scaled: tuple[int, ...] = (2,)  # the orders of derivative whose error is divided by the conditioning

    @property
    def primitive(self) -> bool:
        forward = getattr(self.call, "forward", None)
        return self.name == "power" or getattr(forward, "__module__", "") in ("math", "_operator")


def of_operation(name: str) -> Subject:
    operation = OPERATIONS[name]
    special = {"power": powers, "logsumexp": logits, "log_softmax": logits}
    many = pairs if len(operation.example) == 3 else partial(singles, name)
    return Subject(name, operation, operation.partials, REFERENCES[name], special.get(name, many),
                   (0, 2) if name == "logsumexp" else (2,))  # fmt: skip


SUBJECTS = {name: of_operation(name) for name in OPERATIONS}


@dataclass
class Worst:
    ulp: float = 0.0
    operands: tuple[float, ...] = ()

    def see(self, ulp: float, operands: tuple[float, ...]) -> None:
        if ulp > self.ulp or ulp != ulp:
            self.ulp, self.operands = ulp, operands


def measure(name: str, count: int) -> list[Worst]:
    """The worst error of the value, the first and the second derivatives."""
    subject = SUBJECTS[name]
    hessian = autograd.hessian(lambda xs: subject.call(*xs))
    functions = [subject.reference.value, subject.reference.first, subject.reference.second]
    worst = [Worst(), Worst(), Worst()]
    seen = 0
    for operands in subject.arguments(random.Random(name)):
        if seen == count:
            break
        at = [mp.mpf(x) for x in operands]
        exact = functions[0](*at)
        if exact and not NORMAL <= abs(exact) <= BIG:
            continue
        out = subject.call(*operands)
        found: list[Sequence[float]] = [[out], subject.partials(out, operands)]
        if seen % 10 == 0:
            found.append([x for row in hessian(list(operands)) for x in row])
        for order, numbers in enumerate(found):
            exacts = as_tuple(functions[order](*at)) if order else (exact,)
            scales = conditions(functions[order], at) if order in subject.scaled else [1.0] * len(numbers)
            for number, x, scale in zip(numbers, exacts, scales):
                worst[order].see(ulps(number, x) / max(1.0, scale), operands)
        seen += 1
    return worst


TEXT_HEAD = """{machine}
Worst error in ulp over {count:,} arguments, and the arguments; ! marks what is beyond the goal.

operation          value at                                              first at                                     \
         second, scaled, at"""
README_HEAD = """| operation | value | derivative | where | ulp | ulp of the derivative |
| --- | --- | --- | --- | --- | --- |"""


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}, {' '.join(platform.libc_ver())}".rstrip(", ")


def text(subject: Subject, worst: list[Worst]) -> str:
    cells = [f"{subject.name:14}{'libm' if subject.primitive else '':4}"]
    for w, goal in zip(worst, (math.inf if subject.primitive else 3.0, 4.0, 8.0)):
        operands = ", ".join(map(repr, w.operands)) if w.ulp else ""
        cells.append(f"{w.ulp:6.2f}{'!' if w.ulp > goal else ' '} {operands:44}")
    return " ".join(cells).rstrip()


def markdown(subject: Subject, worst: list[Worst]) -> str:
    row = OPERATIONS[subject.name]
    words = [cell.replace("|", r"\|") for cell in (row.formula, row.slope, row.domain)]
    figures = [f"{math.ceil(10 * w.ulp) / 10:.1f}" for w in worst[:2]]
    return f"| `{subject.name}` | {' | '.join(words + figures)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="operation", help="only these; all by default")
    parser.add_argument("--count", type=int, default=100_000, help="arguments for each operation")
    parser.add_argument("--small", action="store_true", help="2,000 arguments")
    parser.add_argument("--markdown", action="store_true", help="print README's table of operations")
    options = parser.parse_args()
    names = options.names or list(SUBJECTS)
    if unknown := [name for name in names if name not in SUBJECTS]:
        parser.error(f"no operation {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    count = 2_000 if options.small else options.count
    line = markdown if options.markdown else text
    print(README_HEAD if options.markdown else TEXT_HEAD.format(count=count, machine=machine()))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, worst in zip(names, pool.map(measure, names, [count] * len(names))):
            print(line(SUBJECTS[name], worst), flush=True)


if __name__ == "__main__":
    main()
