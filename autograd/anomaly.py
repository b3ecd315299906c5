"""detect_anomaly: which step was the first to make an infinity or a NaN, and on which line of the program it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite

from autograd import modes
from autograd.dispatch import Operation, as_float, told
from autograd.formatting import on_one_line, program_line
from autograd.graph import interior_order, selected
from autograd.messages import names_of_operands
from autograd.operations import constant
from autograd.value import Value


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Inside, the first value and the first adjoint that is infinite or NaN raises FloatingPointError.

    The error names the operation with its operands, their labels, and the line of the program that made the node. An
    adjoint is looked for before any `.grad` is written. Each thread and each asynchronous task has its own state.

    >>> from autograd import Value
    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     x.sqrt().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FloatingPointError: the adjoint of 'x' is inf: sqrt(0.0) of 'x', made at ..., passes 1.0 * inf on to it.
      sqrt has no finite derivative there.
      Write where(abs(x) > 1e-12, lambda: sqrt(x), 0.0) in place of sqrt(x).

    Each operation takes several times as long and the backward pass runs twice: it is for finding a fault.
    """
    with modes.set_to(modes.watch, Finder()):
        yield


class Finder(modes.Watch):
    def forward(self, data: float, operation: Operation, parents: Sequence[Value]) -> Operation:
        """The operation as it is to be recorded, with the line of the program. Raises where `data` is not finite."""
        if modes.following_ieee.get():
            return operation  # inside of a derivative infinities are what IEEE says, and pass
        line = program_line()
        if isfinite(data):
            return operation.called_at(line)
        call, (first, again) = _call(operation, parents), _corrected(operation)
        odd = [parent for parent in parents if not isfinite(parent.data)]
        if odd:
            names = " and ".join(f"{_named(parent, 'an operand')} is {parent.data}" for parent in dict.fromkeys(odd))
            why = f"{names} already: a leaf, or made outside of detect_anomaly()"
            remedy = "with autograd.detect_anomaly(): above the line that makes it, which names the step where it began"
        elif data == data:
            why = "The operands are finite; the result is beyond the largest double, 1.8e308"
            remedy = operation.remedy or f"where(abs({first}) < 1e150, lambda: {again}, 0.0), or smaller operands"
        else:
            why = "The operands are finite; no real number is the result"
            remedy = f"where(condition, lambda: {again}, 0.0), with the condition under which it is defined"
        raise FloatingPointError(f"{call} is {data}, at {line}.\n  {why}.\n  Write {remedy}.")

    def backward(self, root: Value, gradient: float) -> None:
        """Raises at the first adjoint, in the order of a backward pass, that is not finite."""
        adjoints = {root: as_float(gradient)}
        for node in reversed(interior_order(root)):
            adjoint = adjoints.pop(node, None)
            if adjoint is None:  # none of its children passed anything on
                continue
            partials = node.operation.partials(node.data, [parent.data for parent in node.parents])
            for parent, partial in selected(node, partials):
                total = adjoints.get(parent, 0.0) + adjoint * partial
                if not isfinite(total) and parent.operation is not constant:
                    raise FloatingPointError(_report(node, parent, adjoint, partial, total))
                adjoints[parent] = total


def _report(node: Value, parent: Value, adjoint: float, partial: float, total: float) -> str:
    operation, made = node.operation, told(node)
    name = _named(parent, f"an operand of {operation.name}")
    call = _call(operation, node.parents)
    if not isfinite(partial):
        why = f"{operation.name} has no finite derivative there"
        first, again = _corrected(operation)
        remedy = f"where(abs({first}) > 1e-12, lambda: {again}, 0.0) in place of {again}"
        if operation.remedy and not names_of_operands(operation.forward):
            remedy = operation.remedy
    else:
        why = "Both factors are finite: the adjoints have grown beyond the largest double, 1.8e308"
        remedy = "(1e-6 * loss).backward() with a learning rate 1e6 times as large, or start with smaller weights"
    return (
        f"the adjoint of {name} is {total}: {call}{', ' * bool(made)}{made}, passes {adjoint} * {partial} on to it.\n"
        f"  {why}.\n  Write {remedy}."
    )


def _named(node: Value, otherwise: str) -> str:
    """Its label, else `otherwise`, and where it was made."""
    return told(node) if node.label else ", ".join(filter(None, [otherwise, told(node)]))


def _call(operation: Operation, parents: Sequence[Value]) -> str:
    numbers = [*(parent.data for parent in parents), *operation.parameters]
    names = [f"'{on_one_line(parent.label, 40)}'" for parent in dict.fromkeys(parents) if parent.label]
    return f"{operation.name}({', '.join(map(repr, numbers))})" + f" of {' and '.join(names)}" * bool(names)


def _corrected(operation: Operation) -> tuple[str, str]:
    """The name of the first operand, and the call with names, for the code that is to be written instead."""
    names = names_of_operands(operation.forward) or ["x"]
    return names[0], f"{operation.name}({', '.join(names)})"
