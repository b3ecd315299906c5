"""A tape as flat numbers: where parameters lie, how uniform steps become runs, how row slots are used again.

The numbers are read back here as program.c reads them: the head, the constants, the places, the pool, the instructions,
the runs before the rows and after them.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd
import nn
from autograd import OPERATIONS, Value, cos, erf, exp, relu, sin, stop_gradient, tanh
from autograd._native import extension
from autograd.compiler import forms
from autograd.compiler.forms import Form
from autograd.compiler.layers import Affine
from autograd.compiler.program import MAGIC, VERSION, Program, program_of
from autograd.compiler.python import PythonProgram
from autograd.tracing import COMPARISONS
from tests.autograd.compiler.test_adjoint import FUSED, agree, computed
from tests.autograd.test_tracing import traced

tapes = extension("tapes")
native = pytest.mark.skipif(tapes is None, reason="about the kernels in C")
TWO_AT_ONCE = {"sin_cos": (sin, cos), "erf_gaussian": (erf, lambda x: math.exp(-x * x))}
NAMES = [*OPERATIONS, *COMPARISONS, *FUSED, "where", "affine", "transposed", "outer", "row_sum", "row_dot"]
NAMES += TWO_AT_ONCE
FIELDS = [
    "inputs", "parameters", "constants", "uniforms", "sums", "sums_at", "outputs", "slots", "splats", "results",
    "lanes", "runs_before", "runs_after", "instructions", "pool_size", "layers_at",
]  # fmt: skip
ROWS = [[0.3, -1.2, 0.7], [-0.4, 0.5, 1.5], [2.0, -0.1, -0.6], [0.0, 1.0, 0.9], [0.6, 0.1, -0.2]]


class Read(NamedTuple):
    """A program's numbers."""

    size: dict[str, int]
    constants: list[float]
    splats: list[int]
    results: list[int]
    pool: list[int]
    instructions: list[tuple[str, list[int]]]
    before: list[tuple[str, int, int, int]]  # a kind, how many, where the results stand, where the operands do
    after: list[tuple[str, int, int, int]]


def read(program: Program) -> Read:
    words = array("i")
    words.frombytes(program.data[: 4 * (2 + len(FIELDS))])
    assert words[:2].tolist() == [MAGIC, VERSION]
    size, at = dict(zip(FIELDS, words[2:])), 4 * len(words)
    assert size["parameters"] == len(program.parameters)

    def take(count: int, kind: str = "i") -> list[Any]:
        nonlocal at
        numbers = array(kind)
        numbers.frombytes(program.data[at : at + count * numbers.itemsize])
        at += count * numbers.itemsize
        return numbers.tolist()

    def take_lines(count: int, length: int) -> list[Any]:
        numbers = take(count * length)
        return [[NAMES[numbers[k]], *numbers[k + 1 : k + length]] for k in range(0, len(numbers), length)]

    constants, splats, results = take(size["constants"], "d"), take(size["splats"]), take(size["results"])
    pool, instructions = take(size["pool_size"]), take_lines(size["instructions"], 8)
    found = Read(
        size, constants, splats, results, pool, [(kind, rest) for kind, *rest in instructions],
        list(map(tuple, take_lines(size["runs_before"], 4))), list(map(tuple, take_lines(size["runs_after"], 4))),
    )  # fmt: skip
    assert at == len(program.data), "there is nothing behind it"
    return found


def lowered(form: Form, n_inputs: int, names: Sequence[str] = NAMES) -> Program:
    return program_of(form.tape, form.outputs, form.results, n_inputs, names, form.inputs_vary, form.gradients)


def values(function: Callable[[Any], Any], n_inputs: int = 3, inputs_vary: bool = True) -> Form:
    return forms.values(*traced(function, n_inputs), inputs_vary)


def backward(function: Callable[[Any], Any], n_inputs: int = 3, native: bool = True) -> Form:
    tape, (loss,) = traced(function, n_inputs)
    return forms.parameter_gradient(tape, loss, native=native)


# --------------------------------------------------------------------------------------------------------------- slots


def chain(x: Any, length: int) -> Any:
    y = x[0]
    for k in range(length):
        y = sin(y) * x[1] + tanh(y - k)
    return y


def deep(x: Any, length: int) -> Any:
    h = x
    for k in range(length):
        rows = [P[12 * k + 4 * j : 12 * k + 4 * j + 4] for j in range(3)]
        h = [tanh(autograd.dot(row[:3], h) + row[3]) for row in rows]
    return sum(h)


P = [Value(0.03 * ((7 * k) % 11) - 0.1, f"p{k}") for k in range(720)]
GROWING: dict[str, tuple[Callable[[Any, int], Any], Callable[[Callable[[Any], Any]], Form]]] = {
    "a chain": (chain, values),
    "layers": (deep, values),
    "a sum of products": (lambda x, n: sum(x[k % 3] * sin(x[(k + 1) % 3] + k) for k in range(n)), values),
    "branches side by side": (lambda x, n: sum(autograd.where(x[k % 3] > k, x[0], x[1] * k) for k in range(n)), values),
    "a chain of dot products": (
        lambda x, n: sum(tanh(autograd.dot(P[3 * k : 3 * k + 3], [sin(x[0]), x[1], x[2] * k])) for k in range(n)),
        values,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_slots_of_what_nobody_needs_any_more_are_used_again(name):
    function, make = GROWING[name]
    sizes = [read(lowered(make(lambda x, n=n: function(x, n)), 3)).size for n in (10, 20, 60)]
    assert len({size["slots"] for size in sizes}) == 1, [size["slots"] for size in sizes]
    assert sizes[0]["slots"] < 20
    assert sizes[0]["instructions"] < sizes[2]["instructions"]


def test_what_is_needed_later_keeps_its_slot():
    """Backward through a chain, all that went forward is there: a slot for each step, and few more."""
    slots = [
        read(lowered(forms.input_gradients(*traced(lambda x, n=n: chain(x, n)), 3), 3)).size["slots"] for n in (10, 20)
    ]
    assert 10 <= slots[1] - slots[0] <= 60


def test_a_result_of_a_layer_that_nobody_wants_takes_no_slot():
    """Of x_bar = W^T d only what flows on: a number that is held has no adjoint."""

    def slots(count: int) -> int:
        def function(x: Any) -> list[Any]:
            return [P[k] * x[0] + P[k + 1] * stop_gradient(sin(x[1] + k)) for k in range(count)]

        program = read(lowered(forms.input_gradients(*traced(function, 2), 2), 2))
        assert [kind for kind, _ in program.instructions].count("transposed") == count
        return program.size["slots"] - program.size["outputs"]

    assert slots(30) == slots(10)


def test_every_operand_was_written_before_and_is_not_written_over():
    """Each step finds in the slots of its operands what the steps that they stand for have left there."""
    for function in (
        lambda x: chain(x, 12),
        lambda x: [sin(x[0]), sin(x[0]) * x[1], chain(x, 5)],
        lambda x: [cos(x[0] * x[1]), chain(x, 5) + sin(x[0] * x[1]), sin(x[0]), chain(x, 3) * cos(x[0]), sin(x[1])],
    ):
        form = values(function)
        program = read(lowered(form, 3))
        size, uniform = program.size, program.constants
        for row, expected in zip(ROWS, zip(*(computed(form.tape, ROWS)[output] for output in form.outputs))):
            slots = dict(enumerate([*row, 1.0]))
            for kind, (out, *operands) in program.instructions:
                count = 2 if kind in ("add", "subtract", "multiply", "maximum") else 3 if kind in FUSED else 1
                given = [
                    slots[k] if k < size["slots"] else uniform[program.splats[k - size["slots"]]]
                    for k in operands[:count]
                ]
                if kind in TWO_AT_ONCE:
                    slots[out], slots[operands[2]] = (function(*given) for function in TWO_AT_ONCE[kind])
                else:
                    slots[out] = (FUSED.get(kind) or OPERATIONS[kind])(*given)
            agree([slots[size["inputs"] + 1 + place] for place in range(size["outputs"])], expected)


def test_two_functions_that_share_their_work_are_one_instruction():
    cases: list[tuple[Callable[[Any], Any], list[str]]] = [
        (lambda x: [sin(x[0]), cos(x[0])], ["sin_cos"]),
        (lambda x: [cos(x[0]), sin(x[0])], ["sin_cos"]),
        (lambda x: [sin(x[0]), cos(x[1])], ["sin", "cos"]),
        (lambda x: [sin(x[0]), cos(x[0]), sin(x[1]), cos(x[1])], ["sin_cos", "sin_cos"]),
        (lambda x: [sin(P[0]) + x[0], cos(P[0]) + x[1]], ["add", "add"]),  # of what is the same for all rows
    ]
    for function, expected in cases:
        assert [kind for kind, _ in read(lowered(values(function), 3)).instructions] == expected
    gradient = forms.input_gradients(*traced(lambda x: erf(x[0]), 1), 1)
    assert [kind for kind, _ in read(lowered(gradient, 1)).instructions] == ["erf_gaussian", "multiply"]


def test_inputs_weights_and_outputs_have_the_first_slots():
    program = read(lowered(values(lambda x: [x[0] * x[1], 2.0, x[2], x[0] * x[1], exp(x[0])]), 3))
    assert program.size["inputs"] == 3 and program.size["outputs"] == 5
    outputs = list(range(4, 9))
    assert sorted(out for _, (out, *_) in program.instructions) == outputs
    assert program.size["slots"] == 9, "nothing else is needed"
    assert [kind for kind, _ in program.instructions].count("multiply") == 1


# ---------------------------------------------------------------------------------------------------------------- runs


def runs_of(function: Callable[[Any], Any]) -> list[tuple[str, int]]:
    program = read(lowered(values(lambda x: function(x) * x[0]), 3))
    return [(kind, count) for kind, count, *_ in program.before]


def test_equal_uniform_operations_are_few_runs():
    cases: list[tuple[Callable[[Any], Any], list[tuple[str, int]]]] = [
        (lambda x: autograd.sum(exp(q) for q in P[:50]), [("exp", 50), ("sum", 50)]),
        (lambda x: sum(exp(q) for q in P[:50]), [("exp", 50), ("sum", 51)]),  # and the 0 that it starts from
        (lambda x: autograd.sum(exp(tanh(q)) for q in P[:50]), [("tanh", 50), ("exp", 50), ("sum", 50)]),
        (lambda x: autograd.sum(q * r for q, r in zip(P[:50], P[50:])), [("dot", 50)]),
        (lambda x: autograd.sum((q - r) ** 2 for q, r in zip(P[:50], P[50:])), [("subtract", 50), ("dot", 50)]),
        (lambda x: autograd.sum(exp(q) if k % 2 else tanh(q) for k, q in enumerate(P[:50])),
         [("tanh", 25), ("exp", 25), ("sum", 50)]),
        # The most frequent of those that are ready first: the others may grow until it is their turn.
        (lambda x: tanh(P[0]) + autograd.sum(tanh(exp(q)) for q in P[1:50]), [("exp", 49), ("tanh", 50), ("sum", 50)]),
        (lambda x: P[0] * P[1], [("multiply", 1)]),
        (lambda x: P[0].sin().sin().sin().sin(), [("sin", 4)]),  # one after the other, in the run that is at it
        (lambda x: P[0], []),
    ]  # fmt: skip
    for function, expected in cases:
        assert runs_of(function) == expected


def test_a_run_takes_neighbours_in_order():
    program = read(lowered(values(lambda x: (sum(P[:20]) + sum(exp(q) for q in P[19::-1])) * x[0]), 3))
    first = program.size["constants"]
    assert [
        program.pool[pool : pool + count] == list(range(first, first + 20))
        for kind, count, _, pool in program.before if kind == "exp"
    ] == [True]  # fmt: skip


def test_operands_of_a_run_stand_before_it():
    def function(x: Any) -> Any:
        h = [tanh(a * b + 0.5) - exp(a) / b for a, b in zip(P[:9], P[9:18])]
        return autograd.logsumexp(h) * x[0]

    form = values(function)
    program = read(lowered(form, 3))
    count = program.size["constants"] + program.size["parameters"]
    given = [leaf.data for leaf in form.tape.parameters]
    numbers = [*program.constants, *(given[place] for place in lowered(form, 3).parameters)]
    for kind, length, out, pool in program.before:
        assert out == count == len(numbers)
        if kind in ("sum", "dot"):
            operands = [program.pool[pool : pool + length * (1 + (kind == "dot"))]]
            count += 1
        else:
            arity = 2 if kind in COMPARISONS else len(OPERATIONS[kind].example) - 1 if kind in OPERATIONS else 3
            operands = [program.pool[pool + k : pool + arity * length : length] for k in range(length)]
            count += length
        for k, places in enumerate(operands):
            assert max(places) < out + k
            numbers.append(computed_step(kind, [numbers[place] for place in places]))
    expected = computed(form.tape, ROWS, given)
    uniform = {number[0] for number in expected if len(set(number)) == 1}
    assert all(any(math.isclose(number, one, rel_tol=1e-12, abs_tol=1e-15) for one in uniform) for number in numbers)


def computed_step(kind: str, operands: list[float]) -> float:
    if kind in FUSED:
        return FUSED[kind](*operands)
    if kind == "where":
        return operands[1] if operands[0] else operands[2]
    return float((COMPARISONS.get(kind) or OPERATIONS[kind])(*operands))


def test_runs_after_the_rows_are_those_of_the_sums():
    program = read(lowered(backward(lambda x: exp(P[0]) * x[0] + P[1] * sum(P[2:12]) * x[1]), 3))
    assert {kind for kind, *_ in program.before} >= {"exp", "sum"}
    assert {kind for kind, *_ in program.after} <= {"multiply", "multiply_add", "identity"}
    assert min(out for _, _, out, _ in program.after) == program.size["sums_at"] + program.size["sums"]


# ---------------------------------------------------------------------------------------------------------- parameters


def test_parameters_of_layers_lie_in_the_order_of_the_weights():
    """W row by row, then b: whatever the order in which the function uses them, and other parameters behind them."""

    def network(x: Any) -> Any:
        """p0 scales; biases p4, p8, p11 come before their weights."""
        h = [relu(P[4 * j + 4] + autograd.sum(P[4 * j + i + 1] * x[i] for i in range(3))) for j in range(2)]
        return (P[11] + P[10] * h[1] + P[9] * h[0]) * P[0]

    for form in (values(network), backward(network)):
        program = lowered(form, 3)
        labels = [form.tape.parameters[place].label for place in program.parameters]
        assert " ".join(labels) == "p1 p2 p3 p5 p6 p7 p4 p8 p9 p10 p11 p0"
        found = read(program)
        assert not any(kind == "identity" for kind, *_ in found.before), "the weights are where the kernel reads them"
        first = found.size["constants"]
        layers = [rest for kind, rest in found.instructions if kind == "affine"]
        assert [(out, b, n, m) for out, _, b, _, n, m, _ in layers] == [
            (first, first + 6, 3, 2),
            (first + 8, first + 10, 2, 1),
        ]


def test_weights_that_lie_elsewhere_are_copied_side_by_side():
    form = values(lambda x: [relu(a * x[0] + b * x[1] + P[2]) for a, b in ((P[0], P[1]), (P[1], P[0]))], 2)
    program = read(lowered(form, 2))
    first = program.size["constants"]
    copies = [(kind, program.pool[pool : pool + count]) for kind, count, _, pool in program.before]
    assert copies == [("identity", [first, first + 1, first + 1, first]), ("identity", [first + 2, first + 2])]


def test_the_gradient_lies_in_the_order_of_the_parameters():
    """Behind the loss and the penalty: side by side, without a copy where all parameters are of layers."""
    model = nn.MLP(3, [4, 2, 1], seed=0)
    form = backward(lambda x: model(x) ** 2)
    program = lowered(form, 3)
    found = read(program)
    assert [form.tape.parameters[place] for place in program.parameters] == [
        leaf for layer in model.layers
        for leaf in [*(w for neuron in layer.neurons for w in neuron.weights),
                     *(neuron.bias for neuron in layer.neurons)]
    ]  # fmt: skip
    gradient = found.results[2:]
    assert gradient == list(range(gradient[0], gradient[0] + len(model.parameters())))
    assert gradient[0] == found.size["sums_at"] and not found.after
    layers = [step[0] for step in form.tape.steps if type(step[0]) is Affine]
    assert sum((layer.inputs + 1) * layer.outputs for layer in layers) == len(gradient)


def test_inputs_of_a_single_row_are_the_first_parameters():
    program = lowered(values(lambda x: x[1] * P[0] + x[0], inputs_vary=False), 3)
    assert program.parameters == [-1, -2, -3, 0]
    found = read(program)
    assert found.size["inputs"] == found.size["instructions"] == 0
    assert [kind for kind, *_ in found.before] == ["multiply_add"]


# -------------------------------------------------------------------------------------------------- the bytes, and runs


def test_the_bytes_begin_with_the_magic_number_and_the_version():
    data = lowered(values(lambda x: x[0] * 2.0), 3).data
    assert array("i", data[:8]).tolist() == [0x50475441, 1] and (MAGIC, VERSION) == (0x50475441, 1)


def test_constants_keep_every_bit():
    numbers = [0.1, math.inf, -0.0, 1e-310, math.pi]
    program = read(lowered(values(lambda x: [x[0] / number for number in numbers]), 3))
    assert list(map(repr, program.constants)) == list(map(repr, numbers))


def several(x: Any) -> Any:
    e = exp(P[0] * x[0])
    return [
        e * x[1] - P[1],
        autograd.maximum(e, x[2]),
        P[2] * 3.0,
        x[1],
        4.0,
        e * x[1] - P[1],
        autograd.where(e > 1, x[0], P[3]),
    ]


PROGRAMS: dict[str, Callable[[], Form]] = {
    "values": lambda: values(several),
    "slopes": lambda: forms.input_gradients(*traced(several), 3),
    "a network": lambda: values(nn.MLP(3, [5, 4, 2], "relu", seed=0)),
    "its slopes": lambda: forms.input_gradients(*traced(nn.MLP(3, [5, 4, 2], "sigmoid", seed=0)), 3),
    "its steps": lambda: forms.values(*traced(nn.MLP(3, [5, 4, 2], seed=0)), native=False),
    "of one row": lambda: values(several, inputs_vary=False),
    "slopes of one row": lambda: forms.input_gradients(*traced(several), 3, inputs_vary=False),
    "nothing": lambda: values(lambda x: 1.0),
    "of no input": lambda: values(lambda x: P[0] * P[1], 0, inputs_vary=False),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_computes_what_its_tape_says(name):
    form = PROGRAMS[name]()
    given = [leaf.data for leaf in form.tape.parameters]
    found = computed(form.tape, ROWS, given)
    rows = [[found[output][k] for output in form.outputs] for k in range(len(ROWS))]
    single = [found[result][0] for result in form.results]
    if not any(type(step[0]) is Affine for step in form.tape.steps):
        python = PythonProgram(form)
        outputs, results, raised = python.run(
            [given[place] for place in python.parameters], ROWS if form.inputs_vary else ROWS[:1]
        )
        assert not raised
        assert len(outputs) == (len(ROWS) if form.inputs_vary else 0)
        for output, expected in zip(outputs, rows):
            agree(output, expected)
        agree(results, single)
    if tapes is not None:
        program = lowered(form, 0 if name == "of no input" else 3, tapes.OPERATIONS)
        compiled = tapes.Program(program.data)
        numbers = array("d", [given[place] if place >= 0 else ROWS[0][-1 - place] for place in program.parameters])
        if form.inputs_vary:
            table = np.empty((len(ROWS), len(form.outputs)))
            assert compiled.run(numbers, np.array(ROWS), table) == ([], True, False)
            for output, expected in zip(table.tolist(), rows):
                agree(output, expected)
        else:
            results, finite, raised = compiled.run(numbers)
            agree(results, single)
            assert (finite, raised) == (True, False)


@pytest.mark.parametrize("in_c", [pytest.param(True, marks=native), False], ids=["in C", "in Python"])
def test_sums_over_rows_and_their_gradient(in_c):
    """Loss and penalty, and behind them the gradient in the order of the program's parameters."""
    model = nn.MLP(3, [4, 1], seed=0)
    form = backward(lambda x: model(x) ** 2, native=in_c)
    given = [leaf.data for leaf in form.tape.parameters]
    if in_c:
        program = lowered(form, 3, tapes.OPERATIONS)
        numbers = array("d", [given[place] for place in program.parameters])
        results, finite, raised = tapes.Program(program.data).run(numbers, np.array(ROWS), weight=0.2)
        assert finite
    else:
        program = PythonProgram(form)
        outputs, results, raised = program.run([given[place] for place in program.parameters], ROWS, 0.2)
        assert outputs == [()] * len(ROWS)
    assert not raised
    found = computed(form.tape, ROWS, given, weight=0.2)
    agree(results[:2], [found[result][0] for result in form.results])
    assert results[1] == 0.0 and results[0] > 0.0
    places = program.parameters if in_c else list(form.gradients)
    agree(results[2:], [found[form.gradients[place]][0] for place in places])
