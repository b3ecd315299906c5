"""Which steps matter only where a choice takes a branch: elsewhere their adjoints are 0, and not 0 * inf."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from autograd.tracing import LEAVES, Rule, Tape

Branches = frozenset[tuple[int, int]]  # choices and which of their operands, 0 or 1: a step matters where one is taken
ALWAYS: Branches = frozenset()


def branches_of(tape: Tape, wanted: Sequence[int]) -> list[Branches]:
    """For each step the branches in which it matters, ALWAYS where none decides; nothing is said of leaves."""
    found: list[Branches | None] = [None] * len(tape.steps)
    for number in wanted:
        found[number] = ALWAYS
    for number in range(max(wanted, default=-1), -1, -1):
        own, (kind, *operands) = found[number], tape.steps[number]
        if own is None or kind in LEAVES:
            continue
        own = found[number] = simplified(own, found)
        if isinstance(kind, Rule):
            operands = operands[: 1 + kind.arity]
        for place, operand in enumerate(operands):
            more = frozenset([(number, place - 1)]) if kind == "where" and place else own
            before = found[operand]
            if before is None or not more:
                found[operand] = more
            elif before and before is not more and tape.steps[operand][0] not in LEAVES:
                found[operand] = before | more
    return [ALWAYS if branches is None else branches for branches in found]


def simplified(branches: Branches, found: Sequence[Branches | None]) -> Branches:
    """Without both branches of one choice, which come to where the choice itself matters, and without what lies inside
    of another of the branches. A choice has a smaller number than those around it."""
    if len(branches) < 2:
        return branches
    left = set(branches)
    choices = [choice for choice, _ in left]
    heapify(choices)
    while choices:
        choice = heappop(choices)
        if (choice, 0) in left and (choice, 1) in left:
            left -= {(choice, 0), (choice, 1)}
            around = found[choice]
            if not around:
                return ALWAYS
            for branch in around - left:
                left.add(branch)
                heappush(choices, branch[0])
    return frozenset(branch for branch in left if not (found[branch[0]] and found[branch[0]] <= left))  # type: ignore
