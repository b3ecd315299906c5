"""Which steps a backward pass reaches only in some rows: elsewhere nothing is passed on, and not 0 * inf.

A choice, `where`, selects one of two operands; so do `maximum`, `relu` and their like, whose partial is 0 for what was
not selected. What only unselected operands lead to has the adjoint 0. A zero times an infinite derivative would be NaN,
so the messages of such steps are guarded by a condition, which says where the step is reached (see `adjoint`).

Every `where` is guarded, since a branch that is not taken may be undefined. Behind the others both operands are
defined, and only derivatives can be infinite: a careful pass guards them too, and is made for the rows whose gradient
came out infinite or NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from operator import itemgetter

from autograd.operations import OPERATIONS
from autograd.tracing import COMPARISONS, LEAVES, Rule, Tape

CHOICES = frozenset(["where"])
SELECTIONS = frozenset(["where", *(name for name, row in OPERATIONS.items() if row.selects)])
Branches = frozenset[tuple[int, int]]  # selections and which of their operands: a step is reached where one is selected
ALWAYS: Branches = frozenset()
MOST = 16  # branches that are kept of one step
INDEPENDENT = LEAVES | {"stop_gradient", *COMPARISONS}  # kinds of steps through which no adjoint flows


def conditional_steps(tape: Tape, roots: Sequence[int], selections: frozenset[str]) -> bytearray:
    """1 for the steps that adjoints of the roots reach only where some of `selections` select an operand, else 0.

    0 also for leaves, which pass nothing on. Where very many branches lead to a step, 1 may stand for 0.
    """
    conditional = bytearray(len(tape.steps))
    if selections.isdisjoint(map(itemgetter(0), tape.steps)):
        return conditional
    ways: list[Branches | None] = [None] * len(tape.steps)
    for number in roots:
        ways[number] = ALWAYS
    for number in range(max(roots, default=-1), -1, -1):
        own, step = ways[number], tape.steps[number]
        kind = step[0]
        if own is None or kind in INDEPENDENT:
            continue
        if own:
            own = ways[number] = simplified(own, ways)
            conditional[number] = bool(own)
        selects = kind in selections
        operands = step[2 : 2 + kind.arity] if type(kind) is Rule else step[2:] if kind == "where" else step[1:]
        for side, operand in enumerate(operands):
            more = frozenset([(number, side)]) if selects else own
            before = ways[operand]
            if before is None or not more:
                ways[operand] = more
            elif before and before is not more:
                ways[operand] = frozenset(list(before | more)[:MOST])
    return conditional


def simplified(branches: Branches, ways: Sequence[Branches | None]) -> Branches:
    """Without both branches of one selection, which come to where that matters itself, and without what lies inside of
    another of the branches. A selection has a smaller number than those around it."""
    left = set(branches)
    numbers = [number for number, _ in left]
    heapify(numbers)
    while numbers:
        number = heappop(numbers)
        if (number, 0) in left and (number, 1) in left:
            left -= {(number, 0), (number, 1)}
            around = ways[number]
            if not around:
                return ALWAYS
            for branch in around - left:
                left.add(branch)
                heappush(numbers, branch[0])
    return frozenset(branch for branch in left if not (ways[branch[0]] and ways[branch[0]] <= left))  # type: ignore
