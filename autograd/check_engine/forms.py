"""Each operation alone: its value, its local derivatives, its effect on its operands, and that it adds to gradients.

A row of FORMS is an operation written with the nodes a and b. An operation is often made of others (a - b as a + -b):
where one of those fails too, it is the one that is reported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from autograd.check_engine.comparison import Trial, attempt, close
from autograd.check_engine.diagnoses import Finding
from autograd.check_engine.students import Student
from autograd.operations import OPERATIONS


class Form(NamedTuple):
    """text: the operation; method: what the class needs for it; made_of: forms that it may be built on."""

    text: str
    method: str
    made_of: tuple[str, ...] = ()
    optional: bool = False


# fmt: off
SUMS, PRODUCTS = ("a + b", "a + 2", "2 + a"), ("a * b", "a * 2", "2 * a")
MINUS = ("-a", *SUMS, *PRODUCTS)
POWERS = ("a ** 2", "a ** 3.0", "a ** -1", "a ** 0.5")
OPERATORS = [
    Form("a + b", "__add__"), Form("a + 2", "__add__", ("a + b",)), Form("a + 2.5", "__add__", ("a + b", "a + 2")),
    Form("2 + a", "__radd__", ("a + b", "a + 2")), Form("sum([a, b])", "__radd__", SUMS),
    Form("a * b", "__mul__"), Form("a * 2", "__mul__", ("a * b",)), Form("a * 2.5", "__mul__", ("a * b", "a * 2")),
    Form("2 * a", "__rmul__", ("a * b", "a * 2")),
    Form("-a", "__neg__", PRODUCTS),
    Form("a - b", "__sub__", MINUS), Form("a - 2", "__sub__", ("a - b", *MINUS)),
    Form("2 - a", "__rsub__", ("a - b", "a - 2", *MINUS)),
    Form("a ** 2", "__pow__", PRODUCTS), Form("a ** 3.0", "__pow__", ("a ** 2",)),
    Form("a ** -1", "__pow__", ("a ** 2", "a ** 3.0")), Form("a ** 0.5", "__pow__", ("a ** 2", "a ** 3.0")),
    Form("a ** 0", "__pow__", POWERS), Form("a ** -2.0", "__pow__", POWERS),
    Form("a / b", "__truediv__", (*PRODUCTS, *POWERS)), Form("a / 4", "__truediv__", ("a / b", *PRODUCTS, *POWERS)),
    Form("2 / a", "__rtruediv__", ("a / b", "a / 4", *PRODUCTS, *POWERS)),
    Form("a ** b", "__pow__", POWERS, optional=True), Form("2 ** a", "__rpow__", POWERS, optional=True),
    Form("abs(a)", "__abs__", MINUS, optional=True),
]
# fmt: on
BASIC = [form for form in OPERATORS if form.text in ("a + b", "a * b", "a * 2")]  # what programs of several steps need
METHODS = [  # exp first: the others are often made of it
    Form(f"a.{name}()", name, ("a.exp()", "a.log()", "a.sin()", "a.cos()", "a / b", *MINUS, *POWERS), optional=True)
    for name, operation in sorted(OPERATIONS.items(), key=lambda item: item[0] not in ("exp", "log", "sin", "cos"))
    if len(operation.example) == 2 and name not in ("identity", "negative", "absolute")
]
FORMS = [*OPERATORS, *METHODS]
POINTS = ((3.0, 5.0), (-4.0, 2.0), (0.5, 0.25))  # primes first: 2 + 2, 2 * 2 and 2 ** 2 would hide each other


def check_forms(student: Student, gradients: bool) -> tuple[list[Finding], list[Form], list[Form]]:
    """What is wrong with single operations, the forms that are right, and the optional ones that are missing."""
    missing = [form for form in FORMS if form.optional and form.method not in student.names]
    results = {form: check_form(form, student, gradients) for form in FORMS if form not in missing}
    missing += [form for form, finding in results.items() if finding and is_refused(form, finding)]
    found = {form: finding for form, finding in results.items() if finding and form not in missing}
    return fold(found), [form for form, finding in results.items() if not finding], missing


def is_refused(form: Form, finding: Finding) -> bool:
    """An exponent that is a node may be refused: the class has __pow__ for numbers."""
    return form.text == "a ** b" and finding.name in ("operation-raises", "missing-operator")


def fold(found: dict[Form, Finding]) -> list[Finding]:
    """The findings of the forms that are to blame; what may be made of these goes into their `also`."""
    blamed: dict[str, str] = {}
    also: dict[str, tuple[str, ...]] = {}
    for form in found:
        root = next((blamed[text] for text in form.made_of if text in blamed), form.text)
        blamed[form.text] = root
        also[root] = (*also.get(root, ()), *[form.text] * (root != form.text))
    return [finding._replace(also=also[finding.subject]) for finding in found.values() if finding.subject in also]


def check_form(form: Form, student: Student, gradients: bool) -> Finding | None:
    for point in POINTS:
        lines, operands = program(form, point)
        forward = attempt(student, lines, ["y.data", *(f"{name}.data" for name in operands)])
        if not forward:
            continue  # outside of the domain
        if forward.failed:
            return forward.finding(name_of_forward(form, forward, student), form.text)
        reads = [f"{name}.{what}" for name in operands for what in ("data", "grad")]
        backward = attempt(student, [*lines, "y.backward()"], reads) if gradients else None
        if backward and backward.failed:
            return backward.finding(name_of_backward(form, backward), form.text)
    return None


def program(form: Form, point: Sequence[float]) -> tuple[list[str], str]:
    """The lines that make the operands and the result y, and the names of the operands."""
    operands = "ab" if re.search(r"\bb\b", form.text) else "a"
    made = [f"{name} = Value({number})" for name, number in zip(operands, point)]
    return [*made, f"y = {form.text}"], operands


def name_of_forward(form: Form, trial: Trial, student: Student) -> str:
    reply, found = trial.reply, trial.differing
    if reply.kind in ("hang", "crash"):
        return reply.kind
    if reply.kind:
        if reply.at == "y.data":
            return "no-result"
        if form.method not in student.names:
            return "missing-reflected-operator" if form.method.startswith("__r") else "missing-operator"
        mixed = re.search(r"\b\d", form.text) and "**" not in form.text
        return "number-operand" if mixed and reply.type in ("AttributeError", "TypeError") else "operation-raises"
    if any(isinstance(number, str) for number in found.values()):
        return "not-a-number"
    if "y.data" not in found:
        return "mutates-operand"
    right = trial.expected["y.data"]
    reverse = {"-": -right, "/": 1 / right if right else math.nan}.get(sign(form), math.nan)
    return "operand-order" if close(found["y.data"], reverse) else "wrong-value"


def sign(form: Form) -> str:
    """The operator of a form with two operands, else ""."""
    words = form.text.split()
    return words[1] if len(words) == 3 else ""


def name_of_backward(form: Form, trial: Trial) -> str:
    found = trial.differing
    if trial.reply.kind:
        return "backward-raises" if trial.reply.kind == "raised" else trial.reply.kind
    if any(isinstance(number, str) for number in found.values()):
        return "not-a-number"
    if {"a.data", "b.data"} & found.keys():
        return "mutates-operand"
    a, b = (trial.expected.get(read, math.nan) for read in ("a.grad", "b.grad"))
    # For a product that is the usual mistake in its derivative, self.data for other.data.
    swapped = sign(form) in ("-", "/") and close(found.get("a.grad", a), b) and close(found.get("b.grad", b), a)
    return "operand-order" if swapped else "wrong-derivative"


def check_accumulation(forms: Sequence[Form], student: Student) -> list[Finding]:
    """Use the operands elsewhere too, before and after the operation, which must not replace what they got there."""
    found: dict[Form, Finding] = {}
    for form in forms:
        lines, operands = program(form, POINTS[0])
        elsewhere = dict(zip(operands, (11, 13)))
        uses = " + ".join(f"{name} * {factor}" for name, factor in elsewhere.items())
        for y in (f"y = ({form.text}) + {uses}", f"y = {uses} + ({form.text})"):
            trial = attempt(student, [*lines[:-1], y, "y.backward()"], [f"{name}.grad" for name in operands])
            if trial and any(
                close(trial.differing.get(f"{name}.grad", math.nan), trial.expected[f"{name}.grad"] - factor)
                for name, factor in elsewhere.items()
            ):
                found.setdefault(form, trial.finding("gradients-assigned", form.text))
    roots = fold(found)
    also = tuple(text for finding in roots for text in (finding.subject, *finding.also))
    return [finding._replace(also=also[1:]) for finding in roots[:1]]
