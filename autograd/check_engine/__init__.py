"""An autograder for micrograd-style engines: what is wrong with a student's class Value, and where to look.

`autograd.check_engine(Value)`, or at the command line `python -m autograd.check_engine student.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from types import ModuleType
from typing import Any

from autograd.check_engine.diagnoses import DIAGNOSES, Finding, Report
from autograd.check_engine.forms import BASIC, check_accumulation, check_form, check_forms
from autograd.check_engine.probes import CONSTRUCTOR, GRAPH, HIDES_ALL, SEED, run_probes
from autograd.check_engine.programs import check_programs
from autograd.check_engine.students import INSIDE, MOST_HANGS, Reply, Student, find

__all__ = ["Finding", "Report", "check_engine"]

# What makes many gradients wrong; random expressions would only repeat it.
CONFUSING = {*HIDES_ALL, "repeated-operand", "backward-order", "equal-nodes-merged"}


def check_engine(
    engine: Any,
    *,
    name: str = "Value",
    ignore: Collection[str] = (),
    programs: int = 300,
    seed: int = 0,
    time_limit: float = 10.0,
    memory_limit: int = 2**32,
) -> Report:
    """Compare a micrograd-style class with this engine; name its bugs, each with the smallest program that shows it.

    engine         the class, or the path of the file that defines it
    name           what the class is called there
    ignore         names of findings that do not count, as "recursion-depth"
    programs, seed how many random expressions follow the targeted ones, and which
    time_limit     seconds for the import of the file and for each program
    memory_limit   bytes of address space, on Linux

    The class needs Value(data) with `.data`, `.grad`, `backward()`, + - * / ** and their reflected forms. Methods such
    as `tanh` are checked where they exist.

    The file is imported, with what stands below `if __name__ == "__main__":` left out, in a process of its own: hangs
    and crashes become findings. That process is no sandbox: it can read and write what its user can, so do not run
    files that may be malicious outside of a container. Nor is a file without findings proven to be the student's work.
    A class that was typed in at a prompt or in a notebook has no file and runs in this process, where the time limit
    holds for Python code only and nothing stops a crash.

    Raises FileNotFoundError, TypeError or ValueError where there is nothing to check.

    >>> from autograd import Value
    >>> check_engine(Value, programs=20).passed
    True
    """
    unknown = sorted({*ignore} - DIAGNOSES.keys())
    if unknown:
        raise ValueError(
            f"There is no finding {unknown[0]!r} to ignore.\n  The names are: {', '.join(DIAGNOSES)}.\n"
            "  Write ignore=['recursion-depth'], say."
        )
    if not time_limit > 0:
        raise ValueError(
            f"time_limit is {time_limit!r}.\n  It is a number of seconds above 0.\n  Write time_limit=10.0."
        )
    title, student = find(engine, name, time_limit, memory_limit)
    if os.environ.get(INSIDE):
        return Report(title, (), notes=("A check inside of a check does nothing.",))
    findings: list[Finding] = []
    checked: list[str] = []
    notes: list[str] = []
    try:
        begun = student.start()
        if begun.kind:
            findings.append(Finding(name_of_start(begun), differences=(begun.error,)))
        else:
            notes += printed_at_import(student)
            examine(student, findings, checked, notes, programs, seed)
    finally:
        student.close()
    if student.hangs >= MOST_HANGS:
        checked, notes = [], [f"Stopped after {MOST_HANGS} hangs: not everything was tried."]
    ignored = [finding.name for finding in findings if finding.name in ignore]
    notes += [f"Ignored: {', '.join(ignored)}."] * bool(ignored)
    return Report(title, tuple(found for found in findings if found.name not in ignore), tuple(checked), tuple(notes))


def examine(
    student: Student, findings: list[Finding], checked: list[str], notes: list[str], programs: int, seed: int
) -> None:
    """All stages in order, each leaving out what the findings of an earlier one would make fail too."""

    def names() -> set[str]:
        return {finding.name for finding in findings}

    silent = student.printed
    findings += run_probes(CONSTRUCTOR, student, ())[0]
    if findings:
        return
    findings += run_probes(SEED, student, ())[0]
    basic = [form for form in BASIC if not check_form(form, student, gradients=True)]
    if not findings and len(basic) == len(BASIC):
        findings += check_accumulation(basic, student)
        graph, well, hidden = run_probes(GRAPH, student, names())
        findings += graph
        checked += [f"free of: {', '.join(sorted(well))}"] * bool(well)
        notes += [f"Not judged before the findings are mended: {', '.join(sorted(hidden))}."] * bool(hidden)
    else:
        notes.append("Not judged before + and * are right: the order of backward(), and a second one.")
    # An operation is often made of others, so its gradient says nothing while backward() is wrong as a whole.
    gradients = names().isdisjoint(CONFUSING)
    wrong, right, missing = check_forms(student, gradients)
    findings += wrong
    texts = [form.text for form in right]
    checked.append(f"{len(right)} operations alone{'' if gradients else ', values only'}: {', '.join(texts)}")
    notes += [f"Not defined, which is no fault: {', '.join(form.text for form in missing)}."] * bool(missing)
    if gradients and len(basic) == len(BASIC):
        findings += check_accumulation(right, student)
    if names() & CONFUSING:
        notes.append("Not tried before the findings are mended: random expressions.")
    else:
        random_findings = check_programs(texts, student, programs, seed)
        findings += random_findings
        checked += [f"{programs} random expressions"] * (not random_findings)
    if student.printed > silent:
        findings.append(Finding("prints-while-computing", differences=(f"it printed {student.beginning!r}",)))


def name_of_start(begun: Reply) -> str:
    if begun.kind != "raised":
        return begun.kind
    errors = {"MissingClass": "missing-class", "SyntaxError": "syntax-error"}
    return errors.get(begun.type, "syntax-error" if begun.type in ("IndentationError", "TabError") else "load-error")


def printed_at_import(student: Student) -> list[str]:
    return [f"The file prints when it is imported: {student.beginning!r}."] * bool(student.printed)


class _Callable(ModuleType):
    """Importing this package puts it in the place of the function of the same name, so it is callable itself."""

    def __call__(self, *args: Any, **kwargs: Any) -> Report:
        return check_engine(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
