"""A compiled function as a JSON text: steps, numbers and labels, nothing that could be executed.

    {"format": "autograd tape", "version": 1, "name": "f", "example": [0.0, [0.0, 0.0]], "shape": 0.0,
     "arguments": null, "steps": [["input", 0], ["constant", 2.0], ["multiply", 0, 1]], "outputs": [2],
     "parameters": [[0.5, "w"]], "labels": {"2": "h"}, "sha256": "..."}

The sum finds damage, it is no signature: whatever is read is checked step by step.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, NoReturn

from autograd.compiler import messages
from autograd.files import digest
from autograd.formatting import on_one_line, shown
from autograd.operations import OPERATIONS
from autograd.structure import flat
from autograd.tracing import COMPARISONS, LEAVES, Rule, Tape, has_row
from autograd.value import Value

FORMAT, VERSION = "autograd tape", 1
RULE = "rule"
DEEPEST = 20  # sequences of sequences in the arguments


def to_text(name: str, example: Any, shape: Any, tape: Tape, outputs: list[int]) -> str:
    """The text of a traced function."""
    content = {
        "format": FORMAT, "version": VERSION, "name": name, "example": _zeros(list(example)), "shape": _zeros(shape),
        "arguments": tape.arguments, "steps": [_step(step) for step in tape.steps], "outputs": outputs,
        "parameters": [[_number(parameter.data), parameter.label] for parameter in tape.parameters],
        "labels": {str(number): label for number, label in tape.labels.items()},
    }  # fmt: skip
    return json.dumps(content | {"sha256": digest(content)}, separators=(",", ":")) + "\n"


def from_text(text: str | bytes) -> tuple[str, Any, Any, Tape, list[int]]:
    """What `to_text` was given, with parameters of its own. Raises ValueError, saying what is wrong with the text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        _fail(f"it is truncated or no JSON ({error})")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        _fail(f'it has no "format": "{FORMAT}"')
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        _fail(f"it is of version {shown(version)}, and this program reads version {VERSION}")
    given = content.pop("sha256", None)
    try:
        found = digest(content)
    except RecursionError:
        _fail("it is nested too deeply")
    if given != found:
        _fail("it was changed after it was saved: its sha256 does not fit")
    kinds = {"name": str, "example": list, "steps": list, "outputs": list, "parameters": list, "labels": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            _fail(f"its {key!r} is missing")
    example, shape = _shape(content["example"]), _shape(content.get("shape"))
    tape = Tape()
    for parameter in content["parameters"]:
        if not isinstance(parameter, list) or len(parameter) != 2 or not isinstance(parameter[1], str):
            _fail("a parameter is no number with a label")
        tape.parameters.append(Value(_float(parameter[0]), parameter[1]))
    inputs = len(flat(example))
    tape.arguments = _names(content.get("arguments"), inputs)
    for number, step in enumerate(content["steps"]):
        kind, *rest = _checked(step, number, inputs, len(tape.parameters))
        if (tape.constant(*rest) if kind == "constant" else tape.add((kind, *rest))) != number:
            _fail(f"step {number} occurs twice")
    for output in content["outputs"]:
        _place(output, len(tape.steps))
    if len(content["outputs"]) != len(flat(shape)):
        _fail("it has another number of outputs than its shape")
    places = {str(number): number for number in range(len(tape.steps))}
    for key, label in content["labels"].items():
        if key not in places or not isinstance(label, str):
            _fail("a label belongs to no step")
        tape.labels[places[key]] = label
    return content["name"], tuple(example), shape, tape, content["outputs"]


def _step(step: tuple[Any, ...]) -> list[Any]:
    kind, *rest = step
    if kind == "constant":
        return ["constant", _number(rest[0])]
    return [f"{RULE} {kind.arity}" if isinstance(kind, Rule) else kind, *rest]


def _checked(step: Any, number: int, inputs: int, parameters: int) -> tuple[Any, ...]:
    if not isinstance(step, list) or not step or not isinstance(step[0], str):
        _fail(f"step {number} is none")
    kind, *rest = step
    if kind in LEAVES:
        if len(rest) != 1:
            _fail(f"step {number} has no place")
        if kind == "constant":
            return "constant", _float(rest[0])
        return kind, _place(rest[0], inputs if kind == "input" else parameters)
    operands = tuple(_place(operand, number) for operand in rest)
    arity = len(operands) // 2
    if operands and kind == f"{RULE} {arity}" and len(operands) == 1 + 2 * arity:
        return (Rule(arity), *operands)
    operation = OPERATIONS.get(kind)
    fixed = dict.fromkeys(COMPARISONS, 2) | {"where": 3, "stop_gradient": 1}
    row = operation is not None and not operation.parameters and has_row(operation, len(operands))
    if fixed.get(kind) != len(operands) and not row:
        _fail(f"step {number} is no operation: {shown(step)}")
    return (kind, *operands)


def _names(names: Any, count: int) -> list[str] | None:
    texts = isinstance(names, list) and len(names) == count and all(type(name) is str for name in names)
    if names is not None and not (texts and len(set(names)) == count):
        _fail("the names of its arguments are none")
    return names  # type: ignore[no-any-return]


def _place(place: Any, limit: int) -> int:
    if type(place) is not int or not 0 <= place < limit:
        _fail(f"there is no place {shown(place)} among {limit}")
    return place


def _shape(found: Any, depth: int = 0) -> Any:
    if isinstance(found, list) and depth < DEEPEST:
        return [_shape(part, depth + 1) for part in found]
    if type(found) not in (float, int) or found != 0:
        _fail("the shape of its arguments or of its result is none")
    return 0.0


def _zeros(example: Any) -> Any:
    return [_zeros(part) for part in example] if isinstance(example, (list, tuple)) else 0.0


def _number(number: float) -> float | str:
    return number if isfinite(number) else repr(number)


def _float(number: Any) -> float:
    if number not in ("nan", "inf", "-inf") and type(number) not in (float, int):
        _fail(f"{shown(number)} is no number")
    try:
        return float(number)
    except OverflowError:
        _fail(f"{shown(number)} is larger than a double can be")


def _fail(problem: str) -> NoReturn:
    raise ValueError(messages.no_saved_function(on_one_line(problem, 200)))
