"""check_engine names the bug of each broken engine, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import autograd
from autograd.check_engine import Report, check_engine
from autograd.check_engine.diagnoses import DIAGNOSES

RIGHT = (Path(__file__).parent / "right_engine.py").read_text(encoding="utf-8")
NEXT = "\n            "
IADD = "def __iadd__(self, other):\n        self.data += other.data\n        return self"
HASH = "def __hash__(self):\n        return hash(self.data)"
ADD, ADD_OTHER = "self.grad += out.grad", "other.grad += out.grad"
EQUAL = "def __eq__(self, other):\n        return self.data == other.data"
RESET = "        for node in order:\n            if node._prev:\n                node.grad = 0.0\n"


def found(report: Report) -> list[str]:
    return [f"{finding.name} {finding.subject}".strip() for finding in report.findings]


def broken(old: str, new: str) -> str:
    assert old in RIGHT
    return RIGHT.replace(old, new, 1)


BUGS = [  # the finding, a text in the right engine, what stands there instead
    ("constructor", "self.data = data", "self.data = -data"),
    ("constructor", "self.grad = 0.0", "self.grad = None"),
    ("missing-operator a - b", "def __sub__", "def minus"),
    ("missing-operator a ** 2", "def __pow__", "def power"),
    ("missing-reflected-operator 2 - a", "def __rsub__", "def minus"),
    ("missing-reflected-operator 2 + a", "def __radd__", "def plus"),
    ("number-operand a + 2", "other = other if isinstance(other, Value) else Value(other)", "pass"),
    ("operation-raises a ** 3.0", "assert isinstance(exponent, (int, float))", "assert isinstance(exponent, int)"),
    ("operation-raises a ** -1", "assert isinstance(exponent, (int, float))", "assert exponent >= 0"),
    ("no-result a + b", "return out\n\n    def __sub__", "pass\n\n    def __sub__"),
    ("no-result a + b", "return out\n\n    def __sub__", "return out.data\n\n    def __sub__"),
    ("not-a-number a + b", "Value(self.data + other.data", "Value(str(self.data + other.data)"),
    ("not-a-number a * b", "+= other.data * out.grad", "+= other * out.grad"),
    ("operand-order a - b", "self.data - other.data", "other.data - self.data"),
    ("operand-order a / b", "self.data / other.data,", "other.data / self.data,"),
    ("operand-order 2 - a", "Value(other) - self", "self - other"),
    ("operand-order 2 / a", "Value(other) / self", "self / other"),
    ("operand-order a - b", f"+= 1 * out.grad{NEXT}other.grad += -1", f"+= -1 * out.grad{NEXT}other.grad += 1"),
    ("wrong-value a * b", "self.data * other.data, (", "self.data * other.data * 1.001, ("),
    ("wrong-value a ** 2", "self.data**exponent,", "self.data * exponent,"),
    ("wrong-value a ** -1", "self.data**exponent,", "self.data**abs(exponent),"),
    ("wrong-value a.relu()", "max(0, self.data)", "max(1, self.data)"),
    ("wrong-derivative a + b", "other.grad += out.grad", "other.grad -= out.grad"),
    ("wrong-derivative a * b", "self.grad += other.data * out", "self.grad += self.data * out"),
    ("wrong-derivative a / b", "other.data**2 * out", "other.data * out"),
    ("wrong-derivative a ** 2", "** (exponent - 1)", "** exponent"),
    ("wrong-derivative a.tanh()", "1 - out.data**2", "1 - out.data"),
    ("wrong-derivative a.tanh()", "(1 - out.data**2)", "(1 - out.data**2) * 1.001"),
    ("wrong-derivative a.exp()", "out._backward = exp_backward", "pass"),
    ("wrong-derivative a.relu()", "(out.data > 0) *", "(out.data >= 0) *"),
    ("mutates-operand a * b", "def multiply_backward", "self.data = out.data\n\n        def multiply_backward"),
    ("mutates-operand a.exp()", "self.grad += out.data *", "self.data = out.data\n            self.grad += out.data *"),
    ("mutates-operand", "def relu", f"{IADD}\n\n    def relu"),
    ("wrong-comparison", "return self.data < (", "return self.data > ("),
    ("wrong-comparison", "other.data if isinstance(other, Value) else other)", "other.data)"),
    ("wrong-zero_grad", "zero_grad(self):\n        self.grad =", "zero_grad(self):\n        self.grad =="),
    ("backward-raises", "for node in reversed(order):", "for node in order.reversed():"),
    ("backward-raises a.exp()", "self.grad += out.data * out.grad", "self.grad += self.out.data * out.grad"),
    ("wrong-seed", "self.grad = 1.0", "self.grad = self.data"),
    ("wrong-seed", "self.grad = 1.0", "pass"),
    ("gradients-assigned a * b", "self.grad += other.data * out", "self.grad = other.data * out"),
    ("gradients-assigned a.tanh()", "self.grad += (1 - out.data", "self.grad = (1 - out.data"),
    ("gradients-assigned a + b", "+=", "="),
    ("backward-order", "for node in reversed(order):", "for node in order:"),
    ("backward-order", "elif node not in seen:", "else:"),
    ("repeated-operand", f"{ADD}{NEXT}{ADD_OTHER}", f"for node in set(out._prev):{NEXT}    node.grad += out.grad"),
    ("equal-nodes-merged", "def relu", f"{EQUAL}\n\n    {HASH}\n\n    def relu"),
    ("backward-raises", "def relu", f"{EQUAL}\n\n    def relu"),
    ("leaf-gradients-reset", "if node._prev:", "if True:"),
    ("stale-interior-adjoints", RESET, ""),
    ("stale-interior-adjoints", f"{RESET}        self.grad = 1.0", "        self.grad += 1.0"),
    ("parents-in-a-set", "tuple(_children)", "set(_children)"),
    ("prints-while-computing", "return out", "print('debug')\n        return out"),
    ("wrong-gradient-in-combination", "+= exponent * self.data", "+= exponent * min(self.data, 10)"),
    ("wrong-value-in-combination", "self.data - other.data,", "self.data - other.data if self is not other else 1,"),
    ("raises-in-combination", "assert isinstance(exponent, (int, float))", "assert abs(self.data) < 10"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "old", "new"), BUGS, ids=[f"{row[0]}: {row[2][:40]!r}" for row in BUGS])
def test_one_bug_gives_its_finding_and_no_other(tmp_path, finding, old, new):
    assert old in RIGHT
    few = 300 if "combination" in finding else 30
    text = RIGHT.replace(old, new) if finding == "gradients-assigned a + b" else RIGHT.replace(old, new, 1)
    report = check_engine(written(tmp_path, text), programs=few)
    assert found(report) == [finding], report
    assert not report.passed
    assert max(map(len, repr(report).splitlines())) <= 100


WALKS = {  # other ways through the graph, in place of the right engine's backward
    "depth first": (["backward-order"], """
        self.grad, stack = 1.0, [self]
        while stack:
            node = stack.pop()
            node._backward()
            stack.extend(node._prev)
    """),
    "breadth first": (["backward-order"], """
        self.grad, queue, seen = 1.0, [self], set()
        for node in queue:
            node._backward()
            queue.extend(parent for parent in node._prev if parent not in seen)
            seen.update(node._prev)
    """),
    "recursive": (["recursion-depth"], """
        order = []
        def visit(node):
            if node not in order:
                for parent in node._prev:
                    visit(parent)
                order.append(node)
        visit(self)
        for node in order:
            node.grad = 0.0 if node._prev else node.grad
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
    """),
}  # fmt: skip


@pytest.mark.parametrize("walk", WALKS)
def test_ways_through_the_graph(tmp_path, walk):
    expected, body = WALKS[walk]
    text = RIGHT[: RIGHT.index("        order, seen, stack")] + body
    assert found(check_engine(written(tmp_path, text), programs=30, time_limit=1.0)) == expected


PATHS = """
class Value:
    def __init__(self, data, edges=()):
        self.data, self.grad, self.edges = data, 0.0, edges

    def __add__(self, other):
        return Value(self.data + node(other).data, [(self, 1), (node(other), 1)])

    def __mul__(self, other):
        return Value(self.data * node(other).data, [(self, node(other).data), (node(other), self.data)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, n * self.data ** (n - 1))])

    def backward(self, adjoint=1.0):
        self.grad += adjoint
        for parent, partial in self.edges:
            parent.backward(adjoint * partial)

    __radd__, __rmul__ = __add__, __mul__
    __neg__ = lambda self: self * -1
    __sub__ = lambda self, other: self + -node(other)
    __rsub__ = lambda self, other: -self + other
    __truediv__ = lambda self, other: self * node(other) ** -1
    __rtruediv__ = lambda self, other: self**-1 * other


def node(x):
    return x if isinstance(x, Value) else Value(x)
"""


def test_an_engine_that_walks_every_path(tmp_path):
    report = check_engine(written(tmp_path, PATHS), time_limit=1.0, programs=30)
    assert found(report) == ["every-path-walked", "recursion-depth"]


def written(folder: Path, text: str) -> Path:
    (folder / "student.py").write_text(text, encoding="utf-8")
    return folder / "student.py"


def test_a_failure_is_shrunk_to_the_smallest_expression(tmp_path):
    path = written(tmp_path, RIGHT.replace("+= exponent * self.data", "+= exponent * min(self.data, 10)"))
    (finding,) = check_engine(path).findings
    assert finding.code.count("Value(") == 1 and finding.code.splitlines()[-1] == "y.backward()"
    assert len(finding.code.splitlines()) <= 4, finding.code
    exec(finding.code, {"Value": autograd.Value})  # can be pasted
    assert finding.differences and all("expected" in line and "found" in line for line in finding.differences)
    assert finding == check_engine(path).findings[0], "the same in every run"


def test_every_diagnosis_of_an_engine_has_its_bug():
    of_the_file = {"syntax-error", "load-error", "missing-class", "hang", "crash"}  # in test_check_engine.py
    rows = {finding.split()[0] for finding, _, _ in BUGS}
    ways = {finding for expected, _ in WALKS.values() for finding in expected}
    assert rows | ways | of_the_file | {"every-path-walked"} == DIAGNOSES.keys()
