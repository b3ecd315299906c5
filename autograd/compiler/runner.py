"""A form as a program that runs: in C, or in Python where the kernels were not built.

Both read the parameters as they are at each run.
"""

from __future__ import annotations

import gc
import os
from array import array
from collections.abc import Callable, Sequence
from math import isfinite
from threading import Lock
from typing import Any, Protocol

from autograd._native import extension
from autograd.compiler.forms import Form
from autograd.compiler.program import program_of
from autograd.compiler.python import PythonProgram
from autograd.value import Value


class Runner(Protocol):
    """run_once   the results for a form without rows, from the numbers of its inputs
    run_rows   writes the outputs of each row of a table into another one, and says whether all of them are finite
    run_sums   the results of a form over rows that weigh so much each
               Each also says whether an operation may have raised where Python computes, even if no result shows it
    native     the program in C, or None
    parameters those that the form needs, in the order of their gradients
    """

    native: Any
    parameters: list[Value]

    def given(self) -> list[float]:
        return [parameter.data for parameter in self.parameters]

    def run_once(self, numbers: list[float]) -> tuple[list[float], bool]: ...

    def run_rows(self, table: Any, results: Any, threads: int) -> tuple[bool, bool]: ...

    def run_sums(self, table: Any, weight: float, threads: int) -> tuple[list[float], bool]: ...


class NativeRunner(Runner):
    def __init__(self, form: Form, parameters: Sequence[Value], n_inputs: int, native: Any) -> None:
        tape, outputs, results, gradients, inputs_vary = form
        program = program_of(tape, outputs, results, n_inputs, native.OPERATIONS, inputs_vary, gradients)
        self.native = native.Program(program.data, os.environ.get("AUTOGRAD_KERNELS"))
        self.parameters = [parameters[place] for place in program.parameters if place >= 0]

    def run_once(self, numbers: list[float]) -> tuple[list[float], bool]:
        results, _, raised = self.native.run(array("d", numbers + self.given()))
        return results, raised

    def run_rows(self, table: Any, results: Any, threads: int) -> tuple[bool, bool]:
        _, finite, raised = self.native.run(array("d", self.given()), table, results, threads=threads)
        return finite, raised

    def run_sums(self, table: Any, weight: float, threads: int) -> tuple[list[float], bool]:
        results, _, raised = self.native.run(array("d", self.given()), table, weight=weight, threads=threads)
        return results, raised


class PythonRunner(Runner):
    def __init__(self, form: Form, parameters: Sequence[Value]) -> None:
        self.native, self.program = None, PythonProgram(form)
        self.parameters = [parameters[place] for place in self.program.parameters]

    def run_once(self, numbers: list[float]) -> tuple[list[float], bool]:
        _, results, raised = self.program.run(self.given(), [numbers])
        return results, raised

    def run_rows(self, table: Any, results: Any, threads: int) -> tuple[bool, bool]:
        rows, _, raised = self.program.run(self.given(), table.tolist())
        results[:] = rows or results
        return all(isfinite(number) for row in rows for number in row), raised

    def run_sums(self, table: Any, weight: float, threads: int) -> tuple[list[float], bool]:
        _, results, raised = self.program.run(self.given(), table.tolist(), weight)
        return results, raised


def runner_of(form: Callable[[bool], Form], parameters: Sequence[Value], n_inputs: int) -> Runner:
    """The runner of form(native), of which there is one for the kernels in C and one for Python."""
    native = extension("tapes")
    with collector_paused:
        if native is None:
            return PythonRunner(form(False), parameters)
        return NativeRunner(form(True), parameters, n_inputs, native)


class CollectorPaused:
    """The passes make millions of tuples and no cycles; the collector would walk over all of them again and again.

    It goes on after the last of the threads that paused it.
    """

    def __init__(self) -> None:
        self._lock, self._count, self._enabled = Lock(), 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not self._count:
                self._enabled = gc.isenabled()
                gc.disable()
            self._count += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._count -= 1
            if not self._count and self._enabled:
                gc.enable()


collector_paused = CollectorPaused()
