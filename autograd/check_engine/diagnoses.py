"""What a check can find: the name of each bug, what it means in words for a student, and how to mend it.

And what a report says: findings and the text that shows them.
"""

from __future__ import annotations

from textwrap import fill, indent
from typing import NamedTuple

# fmt: off
DIAGNOSES: dict[str, tuple[str, str]] = {
    # The file and the class
    "syntax-error": (
        "The file is no Python program, so nothing could be checked.",
        "Run python on the file and follow the message."),
    "load-error": (
        "The file cannot be imported, so nothing could be checked.",
        "Put demonstrations and calls of sys.exit below `if __name__ == '__main__':`, and install what it imports."),
    "missing-class": (
        "The file can be imported, but does not define the class.",
        "Write `class Value:` at the top level, or give the name of the class to the check."),
    "constructor": (
        "A new node holds its number in `.data` and starts with `.grad` 0.",
        "def __init__(self, data): self.data = data; self.grad = 0.0"),
    "hang": (
        "The program did not end within the time limit.",
        "Look for a loop that never ends."),
    "crash": (
        "The Python process itself ended: os._exit, a crash in C code, no memory or no C stack left.",
        "Look for recursion that never ends behind sys.setrecursionlimit, and for os._exit."),
    "prints-while-computing": (
        "Operators and backward() should compute and print nothing.",
        "Remove the calls of print."),
    # One operation
    "missing-operator": (
        "Python looks for a method of the class and finds none.",
        "Define the method that the message names or the operator stands for: a - b is a.__sub__(b)."),
    "missing-reflected-operator": (
        "With a number on its left, Python asks the node on the right for the reflected method and finds none.",
        "Define __radd__, __rsub__, __rmul__ or __rtruediv__: 3 - a is a.__rsub__(3)."),
    "number-operand": (
        "The operation works on two nodes, but not on a node and a plain number.",
        "Begin the method with: other = other if isinstance(other, Value) else Value(other)"),
    "operation-raises": (
        "The operation raises where it has a value.",
        "Follow the message to the line."),
    "no-result": (
        "The result of the operation is no node with a `.data`.",
        "End the method with: return out"),
    "not-a-number": (
        "`.data` or `.grad` holds something that is no plain number.",
        "Compute with self.data and other.data, not with nodes, texts or lists."),
    "operand-order": (
        "The operands have changed places: a - b and a / b are not b - a and b / a.",
        "Keep the parents in a tuple, and let the reflected methods swap: a.__rsub__(3) is 3 - a."),
    "wrong-value": (
        "The value of the operation is wrong.",
        "Look at the number that the method gives to its result."),
    "wrong-derivative": (
        "The value is right, the gradient is not: the local derivative is wrong, or does not arrive.",
        "Add (d out / d operand) * out.grad to the gradient of each operand; work the derivative out by hand for these"
        " numbers. If all are 0: is `out._backward = _backward` missing?"),
    "mutates-operand": (
        "The operation changes one of its operands; the nodes of an expression must keep their data.",
        "Make a new node for the result and leave self and other alone; define no __iadd__ and its kin."),
    "wrong-comparison": (
        "A comparison goes by data, against a node and against a number.",
        "Compare self.data with the other node's data, or with the number."),
    "wrong-zero_grad": (
        "x.zero_grad() sets x.grad to 0 and leaves x.data alone.",
        "def zero_grad(self): self.grad = 0.0"),
    # backward() as a whole
    "backward-raises": (
        "backward() raises.",
        "Follow the message to the line."),
    "wrong-seed": (
        "The gradient of a result with respect to itself is 1; every other gradient is scaled by it.",
        "Write self.grad = 1.0 in backward(), before the walk over the graph."),
    "gradients-assigned": (
        "A node that is used twice gets an adjoint from each use, and they add up (the multivariate chain rule). Here"
        " the last one replaces the others.",
        "Write self.grad += ..., not self.grad = ..."),
    "repeated-operand": (
        "One operand in both places of an operation counts twice: it has two edges in the graph. A set of parents has"
        " only one.",
        "Keep the parents in a tuple, and add to the gradient of each place with +=."),
    "backward-order": (
        "A node has passed its adjoint on before all nodes that use it had added theirs, or more than once. Neither"
        " depth-first nor breadth-first order is enough.",
        "Sort topologically: append each node once to a list, after its parents; then walk the list in reverse."),
    "equal-nodes-merged": (
        "Two nodes with equal numbers are taken for one: __eq__ (or a dataclass) compares data, and `in` believes it.",
        "Leave __eq__ and __hash__ as object has them: identity."),
    "every-path-walked": (
        "backward() walks every path, not every node once: 40 doublings have 2**40 paths.",
        "Sort topologically, then visit each node once."),
    "leaf-gradients-reset": (
        "Leaves add up over calls of backward() until the user resets them, in micrograd as in PyTorch: that is how"
        " the gradients of several rows are summed.",
        "Reset the gradients of interior nodes only, not those of leaves."),
    "stale-interior-adjoints": (
        "A second backward() starts with what the first one has left in the interior nodes, and passes it on again.",
        "After the topological sort set node.grad = 0.0 for each node that has parents, then self.grad = 1.0."),
    "recursion-depth": (
        "A long expression fails: a loss summed over a few thousand rows is one.",
        "Replace the recursion in backward() by a loop with a list as its stack."),
    "parents-in-a-set": (
        "A set forgets the order of the operands and holds x * x once; the order in which gradients are added, and so"
        " their last digits, differs from run to run.",
        "Keep the parents in a tuple: self._prev = tuple(_children)."),
    # What random expressions show beyond these
    "wrong-value-in-combination": (
        "Each operation was right alone, but the value of this expression is not.",
        "Compute it by hand, node by node, and compare."),
    "wrong-gradient-in-combination": (
        "Each operation was right alone, but the gradient of this expression is not.",
        "Do the backward pass by hand, node by node, and compare."),
    "raises-in-combination": (
        "Each operation worked alone, but this expression raises.",
        "Follow the message to the line."),
}
# fmt: on
WIDTH = 98


class Finding(NamedTuple):
    """One bug, shown by the smallest program that was found for it.

    name         a key of DIAGNOSES
    subject      the operation, as "a - b"; "" where it is backward() or the file as a whole
    code         a program for the student to paste
    differences  one line each: what was read, the number expected, the number found; or what was raised
    also         other operations that fail, maybe since they are made of this one
    """

    name: str
    subject: str = ""
    code: str = ""
    differences: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def explanation(self) -> str:
        return DIAGNOSES[self.name][0]

    @property
    def mend(self) -> str:
        return DIAGNOSES[self.name][1]

    def __str__(self) -> str:
        head = self.name + f": {self.subject}" * bool(self.subject)
        shown = [self.code] * bool(self.code) + [
            fill(line, WIDTH - 6, subsequent_indent="  ") for line in self.differences
        ]
        lines = [head, *(indent(text, "      ") for text in shown), paragraph(self.explanation)]
        if self.also:
            lines.append(paragraph(f"Fails too, maybe for the same reason: {', '.join(self.also)}."))
        return "\n".join([*lines, paragraph(f"Mend: {self.mend}")])


class Report(NamedTuple):
    """What `check_engine` found; its repr is the report as text.

    engine     the file or class
    findings   one Finding for each bug
    checked    what was right, in words
    notes      what is no fault: optional methods that are missing, what was not tried, and why
    """

    engine: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.findings

    def __repr__(self) -> str:
        count = len(self.findings)
        lines = [f"{self.engine}: {'no faults found' if not count else f'{count} finding' + 's' * (count > 1)}"]
        lines += [f"\n{number:3}. {finding}" for number, finding in enumerate(self.findings, 1)]
        for title, texts in (("Right", self.checked), ("Notes", self.notes)):
            lines += [f"\n{title}"] * bool(texts) + [paragraph(text) for text in texts]
        return "\n".join(lines)


def paragraph(text: str) -> str:
    return fill(text, WIDTH, initial_indent="     ", subsequent_indent="     ", break_long_words=True)
