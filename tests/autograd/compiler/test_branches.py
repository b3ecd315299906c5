"""Which steps a backward pass reaches only where selections select an operand that leads to them.

Steps have labels. A table says which of them are conditional, behind choices alone and behind all selections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product as ways
from random import Random
from typing import Any

import pytest

import autograd
from autograd import Value, exp, maximum, minimum, operation, relu, stop_gradient, where
from autograd.compiler.branches import CHOICES, MOST, SELECTIONS, conditional_steps
from autograd.tracing import COMPARISONS, LEAVES, Rule, Tape
from tests.autograd.test_tracing import traced


def named(name: str, y: Any) -> Any:
    y.label = name
    return y


def choice(name: str, condition: Any, a: Any, b: Any) -> Any:
    return named(name, where(condition > 0, a, b))


@operation(lambda out, x, y: (named("partial", y * y), out))
def custom(x: Any, y: Any) -> Any:
    return named("inside", x * y)


@operation(lambda out, x, y: (where(x > y, 2.0, 5.0), named("partial", where(x > y, named("chosen", y + 1.0), 0.0))))
def choosing(x: Any, y: Any) -> Any:
    return where(x > y, lambda: named("inside", x / y), y)


def conditional(function: Callable[[Any], Any], selections: frozenset[str]) -> set[str]:
    """The labels of the conditional steps."""
    tape, outputs = traced(function)
    found = conditional_steps(tape, outputs, selections)
    assert len(found) == len(tape.steps) and set(found) <= {0, 1}
    return {label for number, label in tape.labels.items() if found[number]}


# ------------------------------------------------------------------------------------------------- behind choices alone


def plain(x: Any) -> Any:
    return choice("A", x[0], named("e", exp(x[1])), named("s", x[1].sin()))


def in_the_condition(x: Any) -> Any:
    return choice("A", named("e", exp(x[1])), named("s", x[1].sin()), 0.0)


def condition_and_branch(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", e, e, 0.0)


def condition_and_outside(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", e, named("s", x[1].sin()), 0.0) * e


def both_branches(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, named("double", e * 2.0))


def the_same_in_both_branches(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, e)


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


def a_choice_as_condition(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", choice("B", x[0], e, 0.0), named("s", x[1].sin()), 0.0)


def two_choices(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, 0.0) * choice("B", x[2], 0.0, named("s", e.sin()))


def two_choices_with_one_condition(x: Any) -> Any:
    """One of them selects e, whatever x0 is; of a condition that two have in common nothing is made."""
    e = named("e", exp(x[1]))
    return choice("A", x[0], e, 0.0) * choice("B", x[0], 0.0, e)


def an_inner_choice_that_two_share(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = choice("C", x[2], e, 1.0)
    return choice("A", x[0], named("a", inner + 1.0), 0.0) + choice("B", x[1], 0.0, named("b", inner + 2.0))


def a_choice_that_is_always_reached(x: Any) -> Any:
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


def leaves(x: Any) -> Any:
    w = Value(2.0)
    named("x1", x[1])
    parameter = named("w", x[0]._tape.placeholder(w))
    number = named("3", x[0]._tape.placeholder(3.0))
    return choice("A", x[0], x[1], parameter) + choice("B", x[0], number, named("e", exp(parameter)))


def stopped(x: Any) -> Any:
    """What passes nothing on needs no guard."""
    e, s = named("e", exp(x[1])), named("s", x[1].sin())
    return choice("A", x[0], named("held", stop_gradient(e)) * s, 0.0)


def a_comparison(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], (e > 1.0) * named("s", x[1].sin()), 0.0)


def a_rule(x: Any) -> Any:
    """Through its operands alone: what it came to, and its partials, are not differentiated."""
    return choice("A", x[0], lambda: named("rule", custom(x[1], named("e", exp(x[2])))), 0.0)


def a_rule_that_chooses(x: Any) -> Any:
    return named("rule", choosing(named("e", exp(x[1])), named("s", x[1].sin())))


def several_results(x: Any) -> Any:
    e, s = named("e", exp(x[1])), named("s", x[1].sin())
    return [choice("A", x[0], e, s), s * 2.0]


def a_result_in_a_branch(x: Any) -> Any:
    e = named("e", exp(x[1]))
    s = named("s", e.sin())
    return [choice("A", x[0], s, named("c", e.cos())), s]


def side_by_side(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return autograd.sum(where(x[0] > float(k), e, 0.0) for k in range(MOST + 1))


def tree(x: Any, depth: int) -> Any:
    """e in 2 ** depth branches, one of which is always taken."""
    e = named("e", exp(x[1]))
    level = [e + float(k) for k in range(2**depth)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2])
        level = [where(x[2] > len(level) + 0.5 * k, a, b) for k, (a, b) in enumerate(pairs)]
    return level[0]


def in_as_many_branches_as_are_kept(x: Any) -> Any:
    return tree(x, MOST.bit_length() - 1)


def in_more_branches_than_are_kept(x: Any) -> Any:
    """Where it is not clear, a step is guarded."""
    return tree(x, MOST.bit_length())


OF_CHOICES: list[tuple[Callable[[Any], Any], str]] = [
    (plain, "e s"),
    (in_the_condition, "s"),
    (condition_and_branch, "e"),
    (condition_and_outside, "s"),
    (both_branches, "double"),
    (the_same_in_both_branches, ""),
    (outside_as_well, ""),
    (behind_a_step, "e s"),
    (nested, "e s c B"),
    (in_all_of_three, "b0 b1 a1 B"),
    (in_two_of_three, "e b0 a1 B"),
    (both_inside_of_one, "e b0 b1 B"),
    (around_and_inside, "e b0 B sum"),
    (condition_of_an_inner_choice, "B"),
    (a_choice_as_condition, "s"),
    (two_choices, "e s"),
    (two_choices_with_one_condition, "e"),
    (an_inner_choice_that_two_share, "e C a b"),
    (a_choice_that_is_always_reached, "e a"),
    (unused, ""),
    (a_chain, "e A B C D E F G"),
    (leaves, "e"),
    (stopped, "s"),
    (a_comparison, "s"),
    (a_rule, "rule e"),
    (a_rule_that_chooses, ""),
    (several_results, "e"),
    (a_result_in_a_branch, "c"),
    (side_by_side, "e"),
    (in_as_many_branches_as_are_kept, ""),
    (in_more_branches_than_are_kept, "e"),
]


@pytest.mark.parametrize("selections", [CHOICES, SELECTIONS], ids=["choices", "selections"])
@pytest.mark.parametrize("case", OF_CHOICES, ids=lambda case: case[0].__name__)
def test_which_steps_behind_choices_are_conditional(case, selections):
    """Choices are selections, too."""
    function, expected = case
    assert conditional(function, selections) == set(expected.split())


# ----------------------------------------------------------------------------------------------- behind all selections


def of_maximum(x: Any) -> Any:
    return named("M", maximum(named("e", exp(x[1])), named("s", x[1].sin())))


def of_minimum(x: Any) -> Any:
    return named("M", minimum(named("e", exp(x[1])), named("s", x[1].sin())))


def of_relu(x: Any) -> Any:
    return named("R", relu(named("s", x[1].sin())))


def of_abs(x: Any) -> Any:
    return named("B", abs(named("s", x[1].sin())))


def of_a_smooth_function(x: Any) -> Any:
    return named("T", autograd.tanh(named("s", x[1].sin())))


def below(x: Any) -> Any:
    return relu(named("t", named("s", x[1].sin()) * 2.0))


def both_sides(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return maximum(e, named("double", e * 2.0))


def beside(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return relu(named("s", e.sin())) * e


def both_sides_of_two(x: Any) -> Any:
    e = named("e", exp(x[1]))
    inner = named("N", minimum(named("n0", e + 1.0), named("n1", e + 2.0)))
    return maximum(inner, named("m1", e + 3.0))


def in_a_branch(x: Any) -> Any:
    e, s = named("e", exp(x[1])), named("s", x[1].sin())
    return choice("A", x[0], lambda: named("M", maximum(e, s)), 0.0)


def a_choice_on_one_side(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return maximum(e, choice("A", x[0], named("s", e.sin()), 1.0))


def one_side_and_the_other_branch(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], named("M", maximum(e, 1.0)), e)


def both_sides_and_the_other_branch(x: Any) -> Any:
    e = named("e", exp(x[1]))
    return choice("A", x[0], named("M", maximum(e, named("double", e * 2.0))), e)


def as_a_condition(x: Any) -> Any:
    return choice("A", maximum(named("e", exp(x[1])), 0.5), x[0], x[1])


def in_a_rule(x: Any) -> Any:
    """The largest operand, in which logsumexp takes part, is not differentiated."""
    return autograd.logsumexp([named("e", exp(x[1])), named("s", x[1].sin()), x[2]])


OF_SELECTIONS: list[tuple[Callable[[Any], Any], str, str]] = [  # behind choices alone, behind all selections
    (of_maximum, "", "e s"),
    (of_minimum, "", "e s"),
    (of_relu, "", "s"),
    (of_abs, "", "s"),
    (of_a_smooth_function, "", ""),
    (below, "", "s t"),
    (both_sides, "", "double"),
    (beside, "", "s"),
    (both_sides_of_two, "", "N n0 n1 m1"),
    (in_a_branch, "e s M", "e s M"),
    (a_choice_on_one_side, "s", "e s A"),
    (one_side_and_the_other_branch, "M", "e M"),
    (both_sides_and_the_other_branch, "M double", "M double"),
    (as_a_condition, "", ""),
    (in_a_rule, "", ""),
]


@pytest.mark.parametrize("case", OF_SELECTIONS, ids=lambda case: case[0].__name__)
def test_which_steps_behind_selections_are_conditional(case):
    function, *expected = case
    assert [conditional(function, selections) for selections in (CHOICES, SELECTIONS)] == [
        set(labels.split()) for labels in expected
    ]


def test_choices_are_selections():
    assert sorted(CHOICES) == ["where"]
    assert sorted(SELECTIONS) == ["absolute", "maximum", "minimum", "relu", "where"]


def test_a_tape_that_selects_nothing_has_no_conditional_steps():
    tape, outputs = traced(lambda x: exp(x[0] * x[1]) + x[2])
    for of, roots in [(tape, outputs), (tape, []), (Tape(), []), (traced(plain)[0], [])]:
        assert conditional_steps(of, roots, SELECTIONS) == bytearray(len(of.steps))


# ------------------------------------------------------------------------------------------------------ random programs


def passed_to(tape: Tape, number: int, side: int | None) -> Sequence[int]:
    """The operands to which a step passes its adjoint on; of a selection, the one on the side that it selects."""
    kind, *operands = tape.steps[number]
    if kind in LEAVES or kind in COMPARISONS or kind == "stop_gradient":
        return []
    if type(kind) is Rule:
        return operands[1 : 1 + kind.arity]
    if kind == "where":
        operands = operands[1:]
    return operands if side is None else operands[side : side + 1]


MADE: list[Callable[[Any, Any, Any], Any]] = [  # of two steps and what is different in each use
    lambda a, b, c: where(c > 0, a, b), lambda a, b, c: where(a > 0, a, b), lambda a, b, c: where(b > a, c, a),
    lambda a, b, c: maximum(a, b), lambda a, b, c: minimum(a, c), lambda a, b, c: relu(a), lambda a, b, c: abs(a),
    lambda a, b, c: a + b, lambda a, b, c: exp(a), lambda a, b, c: stop_gradient(a) * b, lambda a, b, c: (a > b) * c,
    lambda a, b, c: custom(a, b),
]  # fmt: skip


def random_program(generator: Random, selections: frozenset[str]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        steps, left = [exp(x[0]), x[1].sin()], generator.choice([1, 3, 7])
        while left:
            step = generator.choice(MADE)(*(generator.choice(steps) for _ in range(2)), x[2] - float(left))
            left -= step._tape.steps[step._number][0] in selections
            steps += [step, exp(step) + generator.choice([1.0, *steps[-2:]])][: generator.choice([1, 2])]
        return generator.choice([steps[-1:], steps[-2:], [steps[-1] * generator.choice(steps)]])

    return function


@pytest.mark.parametrize("selections", [CHOICES, SELECTIONS], ids=["choices", "selections"])
def test_a_step_is_conditional_where_some_way_of_selecting_does_not_reach_it(selections):
    """Random programs: down from the results along the adjoints, for all ways to select operands."""
    both = [0, 0]
    for seed in range(80):
        tape, outputs = traced(random_program(Random(seed), selections))
        found = conditional_steps(tape, outputs, selections)
        needed = tape.uses(outputs)
        selecting = [number for number, step in enumerate(tape.steps) if step[0] in selections and needed[number]]
        times = [0] * len(tape.steps)
        for sides in ways((0, 1), repeat=len(selecting)):
            side, reached, pending = dict(zip(selecting, sides)), set(), list(outputs)
            while pending:
                number = pending.pop()
                if number not in reached:
                    reached.add(number)
                    pending += passed_to(tape, number, side.get(number))
            for number in reached:
                times[number] += 1
        for number in range(len(tape.steps)):
            passes_on = bool(passed_to(tape, number, None))
            expected = passes_on and 0 < times[number] < 2 ** len(selecting)
            assert found[number] == expected, (seed, number, repr(tape))
            both[expected] += passes_on and times[number] > 0
    assert min(both) > 300, "there are many of either"
