"""The same program on the student's class and on this engine, and where the numbers differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from autograd.check_engine import worker
from autograd.check_engine.diagnoses import Finding
from autograd.check_engine.students import NOT_ASKED, Reply, Student, read_reply
from autograd.value import Value

TOLERANCE = 1e-7  # relative, absolute below 1: far above the rounding of any formula, far below any bug


class Trial(NamedTuple):
    """A program, the numbers that it should give, by the text of what is read, and what the student's class says."""

    lines: Sequence[str]
    expected: dict[str, float]
    reply: Reply

    @property
    def differing(self) -> dict[str, float | str]:
        """What was found where it is not what was expected; empty when the program raised."""
        if self.reply.kind:
            return {}
        found = {read: self.reply.numbers[read] for read in self.expected}
        return {read: number for read, number in found.items() if not close(number, self.expected[read])}

    @property
    def failed(self) -> bool:
        return bool(self.reply.kind or self.differing)

    def finding(self, name: str, subject: str = "") -> Finding:
        return Finding(name, subject, "\n".join(self.lines), self._differences())

    def _differences(self) -> tuple[str, ...]:
        if self.reply.kind:
            return (told(self.reply),)
        rows = [(read, f"{self.expected[read]:.10g}", written(x)) for read, x in self.differing.items()]
        width, digits = (max([0, *(len(row[column]) for row in rows)]) for column in (0, 1))
        return tuple(f"{read:{width}}   expected {right:{digits}}   found {x}" for read, right, x in rows)


def attempt(student: Student, lines: Sequence[str], reads: Sequence[str]) -> Trial | None:
    """Run a program on both engines; None outside of a domain, and after too many hangs."""
    expected = expected_numbers(lines, reads)
    trial = Trial(lines, expected, student.ask(lines, reads) if expected else NOT_ASKED)
    return None if trial.reply is NOT_ASKED else trial


def expected_numbers(lines: Sequence[str], reads: Sequence[str]) -> dict[str, float]:
    """What this engine says, by the text of what is read; {} where it raises or a number is not finite."""
    lines = [line.replace("x.zero_grad()", "x.grad = 0.0") for line in lines]  # an optional method, which Value lacks
    numbers = read_reply(worker.evaluate(Value, lines, reads), reads).numbers
    finite = {read: x for read, x in numbers.items() if isinstance(x, float) and math.isfinite(x)}
    return finite if len(finite) == len(numbers) else {}


def close(found: float | str, expected: float) -> bool:
    # `<=`, so that NaN is not close to anything.
    return not isinstance(found, str) and abs(found - expected) <= TOLERANCE * max(1.0, abs(expected))


def written(found: float | str) -> str:
    return found if isinstance(found, str) else f"{found:.10g}"


def told(reply: Reply) -> str:
    """An error in one line, after the statement that raised it."""
    place = reply.at.split("\n")[-1].strip()
    return f"{place}   {reply.error}" if place else reply.error
