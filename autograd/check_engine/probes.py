"""Small programs, each of which one bug of backward(), of the graph or of the class gets wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autograd.check_engine.comparison import attempt, close
from autograd.check_engine.diagnoses import Finding
from autograd.check_engine.students import Reply, Student

DEPTH = 5000
HIDDEN_BY = {  # bugs that make the program of another one fail too: it is judged when these are mended
    "backward-order": ("repeated-operand",),
    "equal-nodes-merged": ("repeated-operand", "backward-order"),
    "stale-interior-adjoints": ("backward-order", "leaf-gradients-reset"),
    "mutates-operand": ("repeated-operand", "backward-order"),
    "every-path-walked": ("repeated-operand", "backward-order"),
    "parents-in-a-set": ("repeated-operand",),
}
HIDES_ALL = ("wrong-seed", "gradients-assigned", "backward-raises")


class Probe(NamedTuple):
    """name: the diagnosis when a number is wrong; code: the program; reads: the numbers to look at, between two spaces.

    only: the number that this bug gives, where another one gives another. method: what the class may lack.
    """

    name: str
    code: str
    reads: str
    only: float | None = None
    method: str = ""


THREE = "a = Value(3.0)\nb = Value(5.0)\nc = Value(7.0)\n"
TWICE = "x = Value(3.0)\ny = x * 5\ny.backward()\ny.backward()"

CONSTRUCTOR = [
    Probe("constructor", "x = Value(3.0)\ny = Value(-2)", "x.data  x.grad  y.data  y.grad"),
]
SEED = [
    Probe("wrong-seed", "x = Value(3.0)\nx.backward()", "x.grad"),
]
GRAPH = [
    Probe("repeated-operand", "x = Value(3.0)\ny = x + x\ny.backward()", "x.grad"),
    Probe("repeated-operand", "x = Value(3.0)\ny = x * x\ny.backward()", "x.grad"),
    Probe("backward-order", f"{THREE}y = a * b * c\ny.backward()", "a.grad  b.grad  c.grad"),
    Probe("backward-order", "x = Value(3.0)\np = x * 2\ny = p + p * 5\ny.backward()", "x.grad"),
    Probe("backward-order", "x = Value(3.0)\np = x * 2\ny = p * 5 + p\ny.backward()", "x.grad"),
    Probe("backward-order", "x = Value(3.0)\np = x * 2\ny = p * 5 + p * 7\ny.backward()", "x.grad"),
    Probe("backward-order", "x = Value(3.0)\np = x * 2\ny = p + p * 5 * 7\ny.backward()", "x.grad"),
    Probe("backward-order", "x = Value(3.0)\np = x * 2\ny = p * 5 * 7 + p\ny.backward()", "x.grad"),
    Probe(
        "equal-nodes-merged",
        "a = Value(2.0)\nb = Value(3.0)\nc = Value(3.0)\nd = Value(2.0)\ny = a * b + c * d\ny.backward()",
        "a.grad  b.grad  c.grad  d.grad",
    ),
    Probe("leaf-gradients-reset", TWICE, "x.grad", only=5.0),
    Probe("leaf-gradients-reset", "x = Value(3.0)\n(x * 5).backward()\n(x * 7).backward()", "x.grad", only=7.0),
    Probe("stale-interior-adjoints", TWICE, "x.grad"),
    Probe("stale-interior-adjoints", "x = Value(3.0)\ny = x * 5 * 7\ny.backward()\ny.backward()", "x.grad"),
    Probe("stale-interior-adjoints", "x = Value(3.0)\np = x * 2\n(p * 5).backward()\n(p * 7).backward()", "x.grad"),
    Probe("wrong-zero_grad", "x = Value(3.0)\n(x * 5).backward()\nx.zero_grad()", "x.grad  x.data", method="zero_grad"),
    Probe("mutates-operand", "a = Value(3.0)\nb = Value(5.0)\nx = a\na += b\na *= b\na.backward()", "x.data  x.grad"),
    Probe("every-path-walked", "x = Value(1.0)\ny = x\nfor _ in range(40):\n    y = y + y\ny.backward()", "x.grad"),
    Probe(
        "recursion-depth", f"x = Value(1.0)\ny = x * 2\nfor _ in range({DEPTH}):\n    y = y + x\ny.backward()", "y.data"
    ),
    *(
        Probe("parents-in-a-set", "y = Value(3.0) + Value(5.0)", f"isinstance(getattr(y, {name!r}, ()), set)")
        for name in ("_prev", "prev", "_parents", "parents", "_children", "children")
    ),
    *(
        Probe(
            "wrong-comparison", "a = Value(3.0)\nb = Value(5.0)", f"a {sign} b  b {sign} a  a {sign} 4", method=method
        )
        for sign, method in {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}.items()
    ),
]


def diagnosis(probe: Probe, reply: Reply) -> str:
    """The name of the probe, unless the program ended in another way than this bug makes it end."""
    if (probe.name, reply.kind) == ("every-path-walked", "hang"):
        return probe.name
    if probe.name == "recursion-depth" and reply.kind in ("raised", "crash"):
        return probe.name
    if reply.kind == "raised":
        return "backward-raises" if "backward()" in reply.at else probe.name
    return reply.kind or probe.name


def run_probes(
    probes: Sequence[Probe], student: Student, found: Iterable[str]
) -> tuple[list[Finding], set[str], set[str]]:
    """The findings, one for each name, what was found right, and what could not be judged for what was `found`."""
    findings: dict[str, Finding] = {}
    right, hidden = set(), set()
    for probe in probes:
        if probe.method and probe.method not in student.names:
            continue
        known = {*found, *findings}
        if not known.isdisjoint((*HIDES_ALL, *HIDDEN_BY.get(probe.name, ()))):
            hidden.add(probe.name)
            continue
        if probe.name in findings:
            continue
        trial = attempt(student, re.split(r"\n(?! )", probe.code), probe.reads.split("  "))
        if trial is None or not trial.failed:
            right.add(probe.name)
            continue
        if probe.only is not None and not any(close(number, probe.only) for number in trial.differing.values()):
            continue
        name = diagnosis(probe, trial.reply)
        findings.setdefault(name, trial.finding(name))
    return [*findings.values()], right - hidden - findings.keys(), hidden - findings.keys()
