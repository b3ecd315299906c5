"""The last pass over a tape: products and sums that belong together become one step, and detours are dropped.

a b + c, a b - c and c - a b are one step each, and -(a b) is -0 - a b; the sum over the rows of a product is a dot
product over the rows; long sums of uniform numbers are one step, so that they need not wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.layers import rates
from autograd.tracing import Rule, Step, Tape

FUSED = frozenset(["add", "subtract", "negative", "multiply", "row_sum"])
LONG = 8  # so many terms, and a sum of uniform numbers is worth a step of its own


def fuse(tape: Tape, results: Sequence[int], inputs_vary: bool = True) -> tuple[Tape, list[int]]:
    """The fused tape of what the results need, and where they are now."""
    tape, results = without_detours(tape, results)
    rate = rates(tape, inputs_vary)
    uses = tape.uses([*results, *results])  # a result is to be had as it is
    candidates = [number for number, step in enumerate(tape.steps) if step[0] in FUSED and uses[number]]
    forms = long_sums(tape, candidates, rate, uses)
    for number in candidates:
        if number not in forms:
            step = fused(tape, number, rate, uses)
            if step is not tape.steps[number]:
                forms[number] = step
    return tape.rewritten(results, forms, final=True)


def without_detours(tape: Tape, results: Sequence[int]) -> tuple[Tape, list[int]]:
    """The tape without steps that are another step: stop_gradient, and rules, whose derivative has done its work."""
    instead: dict[int, int] = {}
    for number, step in enumerate(tape.steps):
        if step[0] == "stop_gradient" or isinstance(step[0], Rule):
            instead[number] = instead[step[1]] if step[1] in instead else step[1]
    return tape.rewritten(results, instead=instead) if instead else (tape, list(results))


def fused(tape: Tape, number: int, rate: bytearray, uses: Sequence[int]) -> Step:
    """The step, together with the product that only it uses."""
    step = tape.steps[number]
    kind = step[0]
    if kind in ("add", "subtract"):
        for place in (1, 2):
            term, minus = step[place], kind == "subtract" and place == 2
            if tape.steps[term][0] == "negative" and uses[term] == 1:
                term, minus = tape.steps[term][1], not minus
            product = tape.steps[term]
            if product[0] == "multiply" and uses[term] == 1 and rate[term] == rate[number]:
                a, b, other = *product[1:], step[3 - place]
                if kind == "subtract" and place == 1:
                    if minus:
                        continue
                    return ("multiply_subtract", a, b, other)
                if tape.steps[a][0] == "negative" and uses[a] == 1:
                    a, minus = tape.steps[a][1], not minus
                return ("subtract_product" if minus else "multiply_add", a, b, other)
    elif kind == "multiply":
        for place in (1, 2):
            h = slope_of(tape, step[place]) if uses[step[place]] == 1 else None
            if h is not None:
                return (h[0], step[3 - place], h[1])
    elif kind == "negative":
        product = tape.steps[step[1]]
        if product[0] == "multiply" and uses[step[1]] == 1:
            return ("subtract_product", product[1], product[2], tape.constant(-0.0))  # 0.0 - 0.0 has another sign
    elif kind == "row_sum":
        product = tape.steps[step[1]]
        if product[0] == "multiply" and uses[step[1]] == 1:
            return ("row_dot", product[1], product[2])
    return step


def slope_of(tape: Tape, number: int) -> tuple[str, int] | None:
    """The kind of f'(z), where a step is one, and its h = f(z): 1 - h h, h (1 - h), or 1 for h > 0, else 0 h."""
    steps = tape.steps
    kind, *operands = steps[number]
    if kind == "subtract" and tape.constant_of(operands[0]) == 1.0:
        square = steps[operands[1]]
        return ("tanh_slope", square[1]) if square[0] == "multiply" and square[1] == square[2] else None
    if kind == "multiply":
        h, rest = operands
        one_minus_h = steps[rest][0] == "subtract" and steps[rest][2] == h and tape.constant_of(steps[rest][1]) == 1.0
        return ("sigmoid_slope", h) if one_minus_h else None
    if kind == "where" and tape.constant_of(operands[1]) == 1.0:
        condition, other = steps[operands[0]], steps[operands[2]]
        positive = condition[0] == "greater" and tape.constant_of(condition[2]) == 0.0
        nothing = other[0] == "multiply" and tape.constant_of(other[1]) == 0.0 and other[2] == condition[1]
        return ("relu_slope", condition[1]) if positive and nothing else None
    return None


def long_sums(tape: Tape, candidates: Sequence[int], rate: bytearray, uses: Sequence[int]) -> dict[int, Step]:
    """Uniform sums of many terms as one dot product, of many products as well: {number: ("dot", a ..., b ...)}."""
    steps, inside = tape.steps, bytearray(len(tape.steps))
    found: dict[int, Step] = {}
    for number in reversed(candidates):
        if steps[number][0] != "add" or rate[number] == 1 or inside[number]:
            continue
        products: list[tuple[int, int]] = []
        terms: list[int] = []
        pending = [number]
        inner = []
        while pending:
            term = pending.pop()
            kind, *operands = steps[term]
            alone = term == number or (uses[term] == 1 and rate[term] == rate[number])
            if kind == "add" and alone:
                pending += reversed(operands)
                inner.append(term)
            elif kind == "multiply" and alone:
                products.append((operands[0], operands[1]))
            else:
                terms.append(term)
        if len(products) >= LONG or len(terms) >= LONG:
            for term in inner:
                inside[term] = 1
            one = tape.constant(1.0)
            # Terms that are no products count as products with 1.
            pairs = products + [(term, one) for term in terms]
            if not products:
                found[number] = ("sum", *terms)
            else:
                found[number] = ("dot", *(a for a, _ in pairs), *(b for _, b in pairs))
    return found
