"""A pass: powers by small plain numbers become products, quotients and a root, which the kernels compute in vectors.

The result is within a few ulp of the power's, and where that is 0 with a sign, infinite or NaN, so is this. Till then a
power is one step, so that what is wrong with it is said of a power.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from autograd.dispatch import where
from autograd.tracing import LEAVES, Placeholder, Tape


def root(x: Any) -> Any:
    """x**0.5, which is the square root but for -0.0 and -inf."""
    return where(x < -1.7976931348623157e308, math.inf, (x + 0.0).sqrt())


POWERS: dict[float, Callable[[Any], Any]] = {
    0.5: root,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    -0.5: lambda x: 1.0 / root(x),
    # x * x may be 0 or infinite where 1 / (x * x) is neither.
    -1.0: lambda x: 1.0 / x,
    -2.0: lambda x: POWERS[2.0](1.0 / x),
    -3.0: lambda x: POWERS[3.0](1.0 / x),
    -4.0: lambda x: POWERS[4.0](1.0 / x),
}


def expand_powers(tape: Tape, results: Sequence[int]) -> tuple[Tape, list[int]]:
    """The tape with these powers spelled out, and where the results are now."""
    new, position = without_powers(tape)
    return new, [position[number] for number in results]


def without_powers(tape: Tape) -> tuple[Tape, Sequence[int]]:
    """The same, and where each step is now."""
    if "power" not in map(itemgetter(0), tape.steps):
        return tape, range(len(tape.steps))
    new, position = Tape(), list[int]()
    new.parameters = tape.parameters
    for step in tape.steps:
        exponent = tape.constant_of(step[2]) if step[0] == "power" else None
        if step[0] in LEAVES:
            index = new.constant(step[1]) if step[0] == "constant" else new.add(step)
        elif exponent in POWERS:
            index = new.lift(POWERS[exponent](Placeholder(new, position[step[1]])))
        else:
            index = new.add((step[0], *[position[operand] for operand in step[1:]]))
        position.append(index)
    new.labels = {position[number]: label for number, label in tape.labels.items()}
    return new, position
