"""In which branches of nested choices a step matters.

Steps and choices have labels; "A0" is the first branch of the choice A, the one where its condition holds, "A1" the
other. A step with several branches matters where any of them is taken; without any it matters always.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product as ways
from random import Random
from typing import Any

import pytest

from autograd import exp, operation, where
from autograd.compiler.choices import ALWAYS, branches_of
from autograd.tracing import LEAVES, Tape
from tests.autograd.test_tracing import traced


def named(name: str, y: Any) -> Any:
    y.label = name
    return y


def choice(name: str, condition: Any, a: Any, b: Any) -> Any:
    return named(name, where(condition > 0, a, b))


@operation(lambda out, x, y: (named("slope", y * y), out))
def custom(x: Any, y: Any) -> Any:
    return named("inside", x * y)


def found(function: Callable[[Any], Any]) -> dict[str, str]:
    """{label of a step: its branches, in order}."""
    tape, outputs = traced(function)
    number = {label: number for number, label in tape.labels.items()}
    name = {number: label for label, number in number.items()}
    branches = branches_of(tape, outputs)
    return {
        label: " ".join(sorted(f"{name[of]}{side}" for of, side in branches[place])) for label, place in number.items()
    }


def plain(x: Any) -> Any:
    return choice("A", x[0], named("e", exp(x[1])), named("s", x[1].sin()))


def in_the_condition(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", e, named("s", x[1].sin()), 0.0)


def condition_and_branch(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", e, e, 0.0)


def both_branches(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, named("double", e * 2.0))


def outside_as_well(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, 0.0) + e


def behind_a_step(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], named("s", e.sin()), 0.0)


def nested(x: Any) -> Any:
    e, s, c = named("e", exp(x[1])), named("s", x[1].sin()), named("c", x[1].cos())
    return choice("A", x[0], lambda: choice("B", x[2], e, s), c)


def in_all_of_three(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = [choice("B", x[2], named("b0", e + 1.0), named("b1", e + 2.0)), named("a1", e + 3.0)]
    return choice("A", x[0], *inner)


def in_two_of_three(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], choice("B", x[2], named("b0", e + 1.0), 0.0), named("a1", e + 3.0))


def both_inside_of_one(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], choice("B", x[2], named("b0", e + 1.0), named("b1", e + 2.0)), 0.0)


def around_and_inside(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = choice("B", x[2], named("b0", e + 1.0), 0.0)
    return choice("A", x[0], named("sum", inner + e), 0.0)


def condition_of_an_inner_choice(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], lambda: choice("B", e, 1.0, 2.0), 0.0)


def two_choices(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, 0.0) * choice("B", x[2], 0.0, named("s", e.sin()))


def an_inner_choice_that_two_share(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = choice("C", x[2], e, 1.0)
    return choice("A", x[0], named("a", inner + 1.0), 0.0) + choice("B", x[1], 0.0, named("b", inner + 2.0))


def a_choice_that_is_always(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = choice("C", x[2], e, 1.0)
    return choice("A", x[0], named("a", inner + 1.0), 0.0) + inner


def unused(x: Any) -> Any:
    choice("A", x[0], named("e", exp(x[1])), 0.0)
    return x[0] * 2.0


def a_chain(x: Any) -> Any:
    y = named("e", exp(x[1]))
    for name in "ABCDEFGH":
        y = choice(name, x[0], y, 0.0)
    return y


def a_rule(x: Any) -> Any:
    return choice("A", x[0], lambda: named("rule", custom(x[1], named("e", exp(x[2])))), 0.0)


TABLE: list[tuple[Callable[[Any], Any], dict[str, str]]] = [
    (plain, {"e": "A0", "s": "A1", "A": ""}),
    (in_the_condition, {"e": "", "s": "A0", "A": ""}),
    (condition_and_branch, {"e": "", "A": ""}),
    (both_branches, {"e": "", "double": "A1", "A": ""}),
    (outside_as_well, {"e": "", "A": ""}),
    (behind_a_step, {"e": "A0", "s": "A0", "A": ""}),
    (nested, {"e": "B0", "s": "B1", "c": "A1", "B": "A0", "A": ""}),
    (in_all_of_three, {"e": "", "b0": "B0", "b1": "B1", "a1": "A1", "B": "A0", "A": ""}),
    (in_two_of_three, {"e": "A1 B0", "b0": "B0", "a1": "A1", "B": "A0", "A": ""}),
    (both_inside_of_one, {"e": "A0", "b0": "B0", "b1": "B1", "B": "A0", "A": ""}),
    (around_and_inside, {"e": "A0", "b0": "B0", "B": "A0", "sum": "A0", "A": ""}),
    (condition_of_an_inner_choice, {"e": "A0", "B": "A0", "A": ""}),
    (two_choices, {"e": "A0 B1", "s": "B1", "A": "", "B": ""}),
    (an_inner_choice_that_two_share, {"e": "C0", "C": "A0 B1", "a": "A0", "b": "B1", "A": "", "B": ""}),
    (a_choice_that_is_always, {"e": "C0", "C": "", "a": "A0", "A": ""}),
    (unused, {"e": "", "A": ""}),
    (a_chain, {"e": "A0", **{name: f"{around}0" for name, around in zip("ABCDEFG", "BCDEFGH")}, "H": ""}),
    (a_rule, {"rule": "A0", "inside": "A0", "e": "A0", "slope": "", "A": ""}),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0].__name__)
def test_in_which_branches_a_step_matters(case):
    function, expected = case
    assert found(function) == expected


def test_without_a_choice_everything_matters_always():
    tape, outputs = traced(lambda x: exp(x[0] * x[1]) + x[2])
    assert branches_of(tape, outputs) == [ALWAYS] * len(tape.steps)
    assert branches_of(tape, []) == [ALWAYS] * len(tape.steps)
    assert branches_of(Tape(), []) == []


def test_a_step_matters_where_the_interpreter_comes_to_it():
    """Random nests of choices: going down from the result by the branches that are taken, for all ways to take them."""
    for seed in range(60):
        generator = Random(seed)

        def function(x: Any, generator: Any = generator) -> Any:
            steps = [exp(x[0]), x[1].sin()]
            for k in range(generator.choice([1, 3, 6])):
                a, b = (generator.choice(steps) for _ in range(2))
                steps.append(where(x[2] > float(k), a, b))
                steps.append(generator.choice(steps) + generator.choice(steps[-3:]))
            return steps[-1] * steps[generator.randrange(len(steps))]

        tape, outputs = traced(function)
        branches = branches_of(tape, outputs)
        choices = [number for number, step in enumerate(tape.steps) if step[0] == "where"]
        for sides in ways((0, 1), repeat=len(choices)):
            side, reached, pending = dict(zip(choices, sides)), set(), list(outputs)
            while pending:
                number = pending.pop()
                if number not in reached and tape.steps[number][0] not in LEAVES:
                    reached.add(number)
                    operands = tape.operands(number)
                    pending += operands if number not in side else [operands[0], operands[1 + side[number]]]
            needed = tape.uses(outputs)
            for number, step in enumerate(tape.steps):
                if needed[number] and step[0] not in LEAVES:
                    taken = not branches[number] or any(
                        of in reached and side[of] == which for of, which in branches[number]
                    )
                    assert taken == (number in reached), (seed, repr(tape), number)
