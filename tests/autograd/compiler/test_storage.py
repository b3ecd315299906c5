"""Compiled functions as files: the same numbers elsewhere, and nothing of a damaged or forged file runs."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

import autograd
import nn
from autograd import Compiled, Value, operation
from autograd.compiler import storage

w, b = Value(0.5, "w"), Value(-math.inf, "b</script>")


@operation(lambda out, x: (3 * x * x,))
def cube(x):
    return x * x * x


def several(x, y):
    h = (w * x + y).tanh()
    h.label = "h"
    return [h, autograd.where(x > y, autograd.exp(y), cube(x)), autograd.logsumexp([x, y, 2.0])]


def rows(v):
    return v[0] * w + autograd.maximum(v[1], b) - autograd.stop_gradient(v[0]) * math.inf * 0 + v[1].leaky_relu(0.2)


NETWORK = nn.MLP(2, [3, 1], seed=0)
FUNCTIONS = {
    "several outputs": (lambda: autograd.compile(several), (0.25, -0.5)),
    "a sequence, infinities": (lambda: autograd.compile(rows, n_inputs=2), ([0.25, -0.5],)),
    "nested arguments": (
        lambda: autograd.compile(lambda a, c: a[0][1] * c + a[1], example=([[0.0, 0.0], 0.0], 0.0)),
        ([[1.0, 2.0], 3.0], 4.0),
    ),
    "a network": (lambda: autograd.compile(NETWORK, n_inputs=2), ([1.0, 2.0],)),
    "a constant": (lambda: autograd.compile(lambda x: math.nan), (1.0,)),
    "zeros of both signs": (lambda: autograd.compile(lambda x: autograd.where(x > 0, 0.0, -0.0) / x), (-1.0,)),
    "no arguments": (lambda: autograd.compile(lambda: w * w), ()),
}


def numbers(function, arguments):
    value = function(*arguments)
    found = [*value] if isinstance(value, list) else [value, *np.ravel(function.value_and_grad(*arguments)[1]).tolist()]
    return [number.hex() for number in found]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("how", ["file", "pickle"])
def test_a_copy_gives_the_same_bits(name, how, tmp_path):
    make, arguments = FUNCTIONS[name]
    function = make()
    if how == "file":
        function.save(tmp_path / "f.json")
        copy = Compiled.load(tmp_path / "f.json")
    else:
        copy = pickle.loads(pickle.dumps(function))
    if name != "nested arguments":
        assert numbers(copy, arguments) == numbers(function, arguments)
    assert copy(*arguments) == pytest.approx(function(*arguments), nan_ok=True)
    assert [(p.data, p.label) for p in copy.parameters] == [(p.data, p.label) for p in function.parameters]
    assert not set(copy.parameters) & set(function.parameters)
    assert repr(copy.tape) == repr(function.tape)


def test_it_runs_in_another_process(tmp_path):
    function = autograd.compile(NETWORK, n_inputs=2)
    function.save(tmp_path / "f.json")
    code = (
        "import sys, autograd\n"
        "f = autograd.Compiled.load(sys.argv[1])\n"
        "print(f.batch_value_and_grad([[1.0, 2.0], [0.5, -1.0]])[1].tolist())\n"
        "f.backward([[1.0, 2.0]])\n"
        "print([p.grad for p in f.parameters])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "f.json")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    _, gradients = function.batch_value_and_grad([[1.0, 2.0], [0.5, -1.0]])
    NETWORK.zero_grad()
    function.backward([[1.0, 2.0]])
    assert printed == [str(gradients.tolist()), str([p.grad for p in function.parameters])]


def test_the_parameters_of_a_copy_are_live():
    copy = pickle.loads(pickle.dumps(autograd.compile(lambda x: w * x)))
    copy.parameters[0].data = 10.0
    assert (copy(2.0), w.data) == (20.0, 0.5)
    copy.backward([[3.0]])
    assert copy.parameters[0].grad == 3.0


def forged(change) -> str:
    """The text of a function with a change and a fitting sum."""
    content = json.loads(autograd.compile(several)._text())
    content.pop("sha256")
    change(content)
    digest = sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()
    return json.dumps(content | {"sha256": digest})


def put(key, value):
    return lambda content: content.__setitem__(key, value)


def step(*found):
    return lambda content: content["steps"].__setitem__(-1, list(found))


DAMAGED = {
    "truncated": (lambda: autograd.compile(several)._text()[:-40], "truncated or no JSON"),
    "no JSON": (lambda: b"\xff\x00", "truncated or no JSON"),
    "nested beyond measure": (lambda: "[" * 100_000, "truncated or no JSON"),
    "another format": (lambda: "{}", 'no "format"'),
    "another version": (lambda: forged(put("version", 2)), "of version 2, and this program reads version 1"),
    "edited": (lambda: autograd.compile(several)._text().replace("0.5", "0.7"), "its sha256 does not fit"),
    "without steps": (lambda: forged(put("steps", {})), "its 'steps' is missing"),
    "an unknown operation": (lambda: forged(step("system", 0)), "is no operation"),
    "an operation of too many operands": (lambda: forged(step("exp", 0, 1)), "is no operation"),
    "a step that comes later": (lambda: forged(step("exp", 1000)), "there is no place 1000"),
    "a negative step": (lambda: forged(step("exp", -1)), "there is no place -1"),
    "a step that is no number": (lambda: forged(step("exp", "0")), "there is no place '0'"),
    "a rule without partials": (lambda: forged(step("rule 2", 0, 1)), "is no operation"),
    "an input that is none": (lambda: forged(step("input", 7)), "there is no place 7 among 2"),
    "a parameter that is none": (lambda: forged(step("parameter", 7)), "there is no place 7 among 1"),
    "a constant that is none": (lambda: forged(step("constant", "1e5")), "'1e5' is no number"),
    "a step without a name": (lambda: forged(step(3)), "is none"),
    "a leaf without a place": (lambda: forged(step("input")), "has no place"),
    "the same step again": (lambda: forged(step("input", 0)), "occurs twice"),
    "an output that is none": (lambda: forged(put("outputs", [0, 1, 1000])), "there is no place 1000"),
    "too few outputs": (lambda: forged(put("outputs", [0])), "another number of outputs than its shape"),
    "a shape that is none": (lambda: forged(put("shape", {"a": 1})), "the shape of its arguments"),
    "a parameter without a label": (lambda: forged(put("parameters", [[0.5]])), "no number with a label"),
    "a label of no step": (lambda: forged(put("labels", {"1000": "h"})), "a label belongs to no step"),
    "a label of digits without end": (lambda: forged(put("labels", {"9" * 5000: "h"})), "a label belongs to no step"),
    "a label of foreign digits": (lambda: forged(put("labels", {"\u0661": "h"})), "a label belongs to no step"),
    "a version that is a bool": (lambda: forged(put("version", True)), "of version True"),
    "a version that is a fraction": (lambda: forged(put("version", 1.0)), "of version 1.0"),
    "a constant beyond all doubles": (lambda: forged(step("constant", 10**400)), "larger than a double can be"),
    "a constant that is a list": (lambda: forged(step("constant", [])), "[] is no number"),
    "a parameter beyond all doubles": (lambda: forged(put("parameters", [[10**400, "w"]])), "larger than a double"),
    "a rule of digits without end": (lambda: forged(step("rule " + "9" * 5000, 0)), "is no operation"),
    "a rule of foreign digits": (lambda: forged(step("rule \u0661", 0, 0, 0)), "is no operation"),
    "a rule without operands": (lambda: forged(step("rule 0")), "is no operation"),
    "an operation with a number of its own": (lambda: forged(step("leaky_relu", 0)), "is no operation"),
    "a shape that is a bool": (lambda: forged(put("example", [False, 0.0])), "the shape of its arguments"),
    "names of other arguments": (lambda: forged(put("arguments", ["x"])), "the names of its arguments"),
    "names that are the same": (lambda: forged(put("arguments", ["x", "x"])), "the names of its arguments"),
    "names that are none": (lambda: forged(put("arguments", [{}, 1])), "the names of its arguments"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_or_forged_is_refused(name, tmp_path):
    make, problem = DAMAGED[name]
    text = make()
    (tmp_path / "f.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match="This is no compiled function that can be loaded") as raised:
        Compiled.load(tmp_path / "f.json")
    assert problem in str(raised.value)


def test_what_was_not_changed_is_read():
    name, example, shape, tape, outputs = storage.from_text(forged(lambda content: None))
    assert (name, example, shape, len(outputs)) == ("several", (0.0, 0.0), [0.0] * 3, 3)
    assert tape.labels and len(tape.parameters) == 1


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        autograd.compile(several).save(tmp_path / "missing" / "f.json")
    assert list(tmp_path.iterdir()) == []
