"""Random expressions from operations that are right alone, and the smallest one that shows a failure.

A program is a sequence of steps, each with the positions of its operands; the last one is the result.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd.check_engine.comparison import Trial, attempt, expected_numbers
from autograd.check_engine.diagnoses import Finding
from autograd.check_engine.students import Student

LARGEST = 100.0  # of all numbers on the way: beyond it rounding or a naive formula fails, not the engine
EDGES = {"a.relu()": 0.0, "abs(a)": 0.0, "a ** 0": 0.0}  # kinks, where several derivatives are right; 0 / 0
NUMBERS = (2, 3, 1, -1, 4, -2, -3, 0)  # simplest first


class Step(NamedTuple):
    """text: an operation of a and b, or a leaf as "Value(2)"; operands: the positions of a and b."""

    text: str
    operands: tuple[int, ...] = ()


Program = tuple[Step, ...]


def random_program(generator: random.Random, forms: Sequence[str]) -> Program:
    steps = [leaf(generator.choice(NUMBERS)) for _ in range(generator.randint(1, 3))]
    for _ in range(generator.randint(2, 8)):
        text = generator.choice(forms)
        # Squared, so that recent steps are used more often and few are left over.
        positions = [int(len(steps) * (1 - generator.random() ** 2)) for _ in range(2)]
        steps.append(Step(text, tuple(positions[: 1 + bool(re.search(r"\bb\b", text))])))
    return prune(steps)


def leaf(number: int) -> Step:
    return Step(f"Value({number})")


def prune(steps: Sequence[Step]) -> Program:
    """The steps that the last one needs, renumbered."""
    needed = {len(steps) - 1}
    for position in reversed(range(len(steps))):
        if position in needed:
            needed.update(steps[position].operands)
    kept = sorted(needed)
    place = {old: new for new, old in enumerate(kept)}
    return tuple(steps[old]._replace(operands=tuple(place[operand] for operand in steps[old].operands)) for old in kept)


def render(program: Program, inline: bool) -> tuple[list[str], list[str]]:
    """The lines of Python and the names of the leaves; `inline` writes what is used once where it is used."""
    uses = [sum(step.operands.count(position) for step in program) for position in range(len(program))]
    lines: list[str] = []
    leaves: list[str] = []
    texts: list[str] = []
    for position, (text, operands) in enumerate(program):
        written = {letter: texts[operand] for letter, operand in zip("ab", operands)}
        if operands:
            text = "".join(written.get(word, word) for word in re.split(r"\b", text))
        last = position == len(program) - 1
        if inline and operands and uses[position] == 1:
            texts.append(f"({text})")
            continue
        name = "y" if last else f"v{position + 1}"
        if not operands:
            leaves.append(name)
        lines.append(f"{name} = {text}")
        texts.append(name)
    return lines, leaves


def run(program: Program, student: Student) -> Trial | None:
    """None outside of a domain, at an edge, and where numbers grow large."""
    lines, _ = render(program, inline=False)
    names = [line.split(" = ")[0] for line in lines]
    data = [*expected_numbers(lines, [f"{name}.data" for name in names]).values()]
    if len(data) < len(program) or max(map(abs, data)) > LARGEST:
        return None
    if any(data[operand] == EDGES.get(step.text) for step in program for operand in step.operands):
        return None
    interior = [name for name, step in zip(names, program) if step.operands]
    partials = [
        f"sum(map(abs, {name}.operation.partials({name}.data, [p.data for p in {name}.parents])))" for name in interior
    ]
    if len(expected_numbers(lines, partials)) < len(partials):  # 0 * inf, where this engine says that nothing flows
        return None
    lines, leaves = render(program, inline=True)
    return attempt(student, [*lines, "y.backward()"], ["y.data", *(f"{leaf}.grad" for leaf in leaves)])


def size(program: Program) -> tuple[int, int]:
    return len(program), sum(NUMBERS.index(int(step.text[6:-1])) for step in program if not step.operands)


def smaller(program: Program) -> Iterator[Program]:
    """Programs with fewer steps or simpler numbers, most of them simpler by much first."""
    for end in range(1, len(program)):
        yield prune(program[:end])
    for position, step in enumerate(program):
        # Other positions in place of this step: its operands, or for a leaf an earlier leaf.
        earlier = step.operands or [other for other in range(position) if not program[other].operands]
        for other in earlier:
            yield prune([replaced(use, position, other) for use in program])
        for number in NUMBERS:
            yield prune([*program[:position], leaf(number), *program[position + 1 :]])


def replaced(step: Step, position: int, other: int) -> Step:
    return step._replace(operands=tuple(other if operand == position else operand for operand in step.operands))


def shrink(program: Program, trial: Trial, student: Student, seconds: float = 10.0) -> Trial:
    """The trial of the smallest program found that fails, within a time."""
    end = time.monotonic() + seconds
    better: tuple[Program, Trial] | None = (program, trial)
    while better:
        program, trial = better
        better = None
        for candidate in smaller(program):
            if time.monotonic() > end:
                return trial
            attempted = run(candidate, student) if size(candidate) < size(program) else None
            if attempted and attempted.failed:
                better = candidate, attempted
                break
    return trial


def name_of(trial: Trial) -> str:
    if trial.reply.kind:
        return "raises-in-combination" if trial.reply.kind == "raised" else trial.reply.kind
    return "wrong-value-in-combination" if "y.data" in trial.differing else "wrong-gradient-in-combination"


def check_programs(forms: Sequence[str], student: Student, count: int, seed: int) -> list[Finding]:
    """One finding of each kind, from `count` random programs."""
    generator = random.Random(seed)
    findings: dict[str, Finding] = {}
    for _ in range(count):
        program = random_program(generator, forms)
        trial = run(program, student)
        if not trial or not trial.failed or name_of(trial) in findings:
            continue
        smallest = shrink(program, trial, student)
        findings.setdefault(name_of(smallest), smallest.finding(name_of(smallest)))
    return [*findings.values()]
