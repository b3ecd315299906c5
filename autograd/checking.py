"""gradcheck and numerical_gradient: the engine's derivatives beside numbers that owe nothing to its rules.

Two witnesses: difference quotients of f, extrapolated over several steps, with an estimate of their error; and, when
asked for, the recorded graph evaluated again at 50 digits. Order k compares the Jacobian of all derivatives of order
k - 1. When one is wrong, both witnesses are sent to each operation of the recorded graph, at its recorded operands.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from autograd.adjoints import adjoints, consumers
from autograd.differences import KINK, Estimate, Function, numbers_of, quotients, steps_for
from autograd.dispatch import Operation
from autograd.exact import TOLERANCE as EXACT_TOLERANCE
from autograd.exact import exact_slopes
from autograd.functional import jacobian
from autograd.graph import interior_order
from autograd.notation import ROWS, TERMS, folded, more, over, table
from autograd.structure import flat, is_sequence, like
from autograd.value import Value, to_node

UNSETTLED = "the difference quotients do not settle: a kink or a jump is near, or there is noise"
TOLERANCE = 1e-6
UNDERFLOW = sys.float_info.min  # below, doubles have fewer digits


@dataclass(frozen=True)
class Comparison:
    """A derivative, by name and place, as the engine and as the witnesses see it."""

    name: str
    place: str
    analytic: float
    numeric: float
    error: float  # relative to the sum of the absolute terms
    wrong: bool
    doubt: str  # why it is not judged, or ""
    output: int  # of f
    by: tuple[int, ...]  # the inputs
    suspects: tuple[str, ...] = ()  # the names of operations
    why: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """What `gradcheck` returns: how many derivatives agree, the worst relative error, and those that were skipped."""

    order: int
    compared: int
    worst: float
    skipped: tuple[Comparison, ...]

    def __repr__(self) -> str:
        worst = f", worst relative error {self.worst:.1e}" if self.compared else ""
        head = f"gradcheck, order {self.order}: {self.compared} derivatives agree{worst}; {len(self.skipped)} skipped"
        told = [f"  {c.name} at {c.place}: {c.doubt}" for c in self.skipped]
        return "\n".join([head, *folded(told, ROWS, lambda n: f"  {more(n)}")])


class GradcheckError(AssertionError):
    """Derivatives that are wrong; `failures` holds a `Comparison` for each."""

    failures: tuple[Comparison, ...] = ()


class Problem(NamedTuple):
    """What is checked, f itself or one operation: a function of a list, a place, and how they are called."""

    f: Function
    xs: list[float]
    title: str
    names: list[str]
    exact: bool
    rtol: float | None


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    order: int = 1,
    *,
    exact: bool = False,
    rtol: float | None = None,
    gradient: Callable[..., Any] | None = None,
) -> Report:
    """Compare the derivatives of f at `inputs`, up to `order`, with difference quotients; a `Report` if they agree.

    f         returns a number or a sequence of numbers
    inputs    a tuple or list of its arguments, numbers or sequences of these; anything else is the only argument
    exact     compare with the recorded graph at 50 digits as well (needs mpmath)
    rtol      the bar; where None, 1e-6 on top of the quotient's estimated error, and 1e-9 at 50 digits. It is relative
              to the sum of the absolute values of the terms that the chain rule adds up.
    gradient  a gradient of your own, called with the inputs, to be checked in place of the engine's; for order 1

    >>> from autograd import exp
    >>> gradcheck(lambda x, y: x * exp(x * y), (2.0, 0.5), order=2).compared
    6

    Kinks and edges of the domain are skipped and listed. Raises GradcheckError with a table, each wrong derivative
    beside the operations whose own rule is wrong, and where f is not deterministic. f runs about 20 times an input, 40
    where that is between -1 and 1. Nobody's `.grad` is touched.
    """
    if type(order) is not int or order < 1 or (gradient and order > 1):
        raise ValueError(
            f"gradcheck got order={order!r}{' and a gradient' * bool(gradient)}.\n"
            "  Orders are 1, 2, ...; a gradient of your own has order 1 only.\n  Write order=1."
        )
    arguments = _arguments(f, inputs)
    xs = numbers_of(flat(arguments))
    problem = Problem(_on_lists(f, arguments), xs, "f", _names(f, arguments), exact, rtol)
    first = numbers_of(problem.f(xs))
    _expect(first, problem)
    own = [_own(gradient, arguments, len(xs), len(first))] if gradient else None
    compared: list[Comparison] = []
    for level in range(1, order + 1):
        found = list(_compare(problem, level, own))
        _expect(first, problem)
        if any(c.wrong for c in found):
            found = _diagnosed(problem, level, found)
        compared += found
        if any(c.wrong for c in found):
            raise _failure(compared)
    judged = [c for c in compared if not c.doubt]
    worst = max((c.error for c in judged), default=0.0)
    return Report(order, len(judged), worst, tuple(c for c in compared if c.doubt))


def numerical_gradient(f: Callable[..., Any], inputs: Any, eps: float | None = None) -> Any:
    """df/dx for each number in `inputs`, in their shape, by central differences (f(x + h) - f(x - h)) / 2h.

    inputs as for `gradcheck`. eps is the step h; where None, several steps are tried and extrapolated to h = 0.

    >>> numerical_gradient(lambda x, y: x * x * y, (3.0, 2.0), eps=0.5)
    (12.0, 9.0)

    NaN where f is not defined on both sides. Raises TypeError when f does not return one number.
    """
    if eps is not None and not 0 < eps < math.inf:
        raise ValueError(
            f"numerical_gradient got eps={eps!r}.\n  It is the step: positive and finite.\n"
            "  Write eps=1e-6, or leave it out: then several steps are tried."
        )
    arguments = _arguments(f, inputs)
    g, xs = _on_lists(f, arguments), numbers_of(flat(arguments))
    if len(g(xs)) != 1:
        raise TypeError(
            f"numerical_gradient needs a function that returns one number, got {len(g(xs))}.\n"
            "  A gradient belongs to one number.\n  Write autograd.sum(results) at its end, or results[0]."
        )
    slopes = [quotients(g, xs, i, [[eps]] if eps else steps_for(xs[i]))[0].value for i in range(len(xs))]
    shaped = like(arguments, iter(slopes))
    return tuple(shaped) if isinstance(inputs, tuple) else shaped if isinstance(inputs, list) else shaped[0]


# ------------------------------------------------------------------------------------------- arguments and results


def _expect(results: list[float], problem: Problem) -> None:
    again = numbers_of(problem.f(problem.xs))
    if repr(again) != repr(results):
        raise GradcheckError(
            f"f is not deterministic: at the same inputs it returned {results}, then {again}.\n"
            "  Differences of such a function say nothing of its derivative.\n"
            "  Write random.seed(0) at the beginning of f, or leave the random part out."
        )


def _arguments(f: Callable[..., Any], inputs: Any) -> list[Any]:
    arguments = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    try:
        inspect.signature(f).bind(*arguments)
    except ValueError:  # some built-in functions have no signature
        pass
    except TypeError as error:
        raise TypeError(
            f"f cannot be called with the {len(arguments)} arguments in inputs: {error}.\n"
            "  A tuple or list holds one item for each argument of f.\n"
            "  Write ([2.0, 3.0],) for one argument that is a sequence."
        ) from None
    return arguments


def _on_lists(f: Callable[..., Any], arguments: list[Any]) -> Function:
    """f as a function of one flat list, to a flat list. Whatever numbers it is given, f sees Values."""

    def shaped(x: Any, nodes: Iterator[Value]) -> Any:
        nested = like(x, nodes)
        if not hasattr(x, "astype") or not is_sequence(x):
            return nested
        array = x.astype(object)  # a NumPy array stays one
        array[...] = nested
        return array

    def g(xs: Sequence[Any]) -> list[Any]:
        nodes = iter([x if type(x) is Value else Value(x) for x in xs])
        result = f(*[shaped(argument, nodes) for argument in arguments])
        if result is None:
            raise TypeError("f returned None.\n  Its result is to be differentiated.\n  Write `return ...` at its end.")
        return flat(result)

    return g


def _names(f: Callable[..., Any], arguments: list[Any]) -> list[str]:
    """What the inputs are called: labels of Values, else x, xs[0], ... after the parameters of f."""

    def within(name: str, x: Any) -> Iterator[str]:
        if is_sequence(x):
            for i, element in enumerate(x):
                yield from within(f"{name}[{i}]", element)
        else:
            yield (type(x) is Value and x.label) or name

    try:
        bound = inspect.signature(f).bind(*arguments).arguments
    except ValueError:
        bound = {"inputs": arguments}
    starred = {name for name, x in bound.items() if not any(x is argument for argument in arguments)}
    pairs = [(f"{n}[{i}]", e) for n, x in bound.items() if n in starred for i, e in enumerate(x)]
    pairs = [(n, x) for n, x in bound.items() if n not in starred] + pairs
    return [name for start, x in pairs for name in within(start, x)]


def _own(gradient: Callable[..., Any], arguments: list[Any], inputs: int, outputs: int) -> list[float]:
    slopes = numbers_of(flat(gradient(*arguments)))
    if len(slopes) != inputs or outputs != 1:
        raise ValueError(
            f"The gradient has {len(slopes)} numbers, for {inputs} inputs and {outputs} results of f.\n"
            "  It needs one for each input, and f one result.\n"
            "  Write `return [df_dx, df_dy]`, in the order of the inputs."
        )
    return slopes


# ------------------------------------------------------------------------------------------------ the comparison


def _compare(problem: Problem, level: int, own: list[list[float]] | None = None) -> Iterator[Comparison]:
    """Each derivative of order `level`, beside the slopes of those of the order before it."""
    g, xs = problem.f, problem.xs
    for _ in range(level - 1):
        g = partial(_derivatives, g)
    nodes = [Value(x) for x in xs]
    outputs = [to_node(result) for result in g(nodes)]
    rows = own or jacobian(g)(xs)
    bar = problem.rtol
    witnesses = [([quotients(g, xs, i, steps_for(xs[i])) for i in range(len(xs))], TOLERANCE if bar is None else bar)]
    if problem.exact:
        witnesses.append((exact_slopes(outputs, nodes), EXACT_TOLERANCE if bar is None else bar))
    for m, output in enumerate(outputs):
        terms = _absolute_terms(output)
        o, *before = _digits(m, len(xs), level)
        for i, x in enumerate(nodes):
            by = (*before, i)
            base = f"{problem.title}[{o}]" if len(outputs) > len(xs) ** (level - 1) else problem.title
            name = over(base, problem.names[i]) if level == 1 else _higher(base, [problem.names[j] for j in by])
            place = ", ".join(f"{problem.names[j]} = {xs[j]!r}" for j in dict.fromkeys(by))
            estimates = [(slopes[i][m], tolerance) for slopes, tolerance in witnesses]
            numbers = _judged(numbers_of([rows[m][i]])[0], terms.get(x, 0.0), estimates)
            yield Comparison(name, place, *numbers, o, by)


def _judged(
    analytic: float, terms: float, estimates: list[tuple[Estimate, float]]
) -> tuple[float, float, float, bool, str]:
    """(analytic, numeric, relative error, wrong, doubt). A witness whose error is not small beside the terms is silent.

    One that finds it wrong is heard before one that sees a kink, and that one before any that agrees.
    """
    verdicts, doubts = [], []
    for (numeric, error, doubt, size), tolerance in estimates:
        scale = max(abs(numeric), terms if terms < math.inf else 0.0)
        flat_enough = 0.0 if terms else 1e-6 * size  # where f ignores the input, there is only noise
        if doubt or not error <= 1e-4 * scale + flat_enough + UNDERFLOW:
            doubts.append((doubt or UNSETTLED, numeric))
            continue
        apart = 0.0 if analytic == numeric else abs(analytic - numeric)
        wrong = not apart <= tolerance * scale + error + UNDERFLOW
        verdicts.append((wrong, apart / (scale or apart) if apart else 0.0, numeric))
    kinks = [(doubt, numeric) for doubt, numeric in doubts if doubt == KINK]
    worst = max(verdicts, key=lambda verdict: (verdict[0], verdict[1]), default=None)
    if worst and (worst[0] or not kinks):
        return analytic, worst[2], worst[1], worst[0], ""
    doubt, numeric = (kinks or doubts)[0]
    wrong = doubt == KINK and math.isnan(analytic)  # NaN is no slope between the two
    return analytic, numeric, math.nan, wrong, "" if wrong else doubt


def _derivatives(g: Function, xs: Sequence[Any]) -> list[Any]:
    return flat(jacobian(g)(xs))


def _digits(m: int, base: int, count: int) -> list[int]:
    """Which output of f, and by which inputs, the m-th of all derivatives of order count - 1 is."""
    digits: list[int] = []
    for _ in range(count - 1):
        m, digit = divmod(m, base)
        digits.insert(0, digit)
    return [m, *digits]


def _higher(of: str, names: list[str]) -> str:
    return f"d{len(names)}{of}/" + " ".join(f"d{name}" for name in names)


def _absolute_terms(output: Value) -> dict[Value, float]:
    """For each node, the sum over all paths to `output` of the absolute values of their products of partials."""
    edges = consumers(output)
    sums = dict.fromkeys(edges, 0.0) | {output: 1.0}
    for node in reversed(edges):
        for child, slope in edges[node]:
            sums[node] += sums[child] * abs(slope)
    return sums


# ------------------------------------------------------------------------------------------------- the diagnosis


def _diagnosed(problem: Problem, level: int, found: list[Comparison]) -> list[Comparison]:
    """The same, each wrong one with the operations whose own rule is wrong, or with what else must be."""
    nodes = [Value(x) for x in problem.xs]
    outputs = [to_node(result) for result in problem.f(nodes)]
    seen: dict[Any, list[Comparison]] = {}

    def local(operation: Operation, *operands: float) -> list[Comparison]:
        if (operation, operands) not in seen:
            seen[operation, operands] = _local(operation, operands, problem, level)
        return seen[operation, operands]

    def diagnosed(c: Comparison) -> Comparison:
        reached, checks = {nodes[i] for i in c.by}, []
        for node in interior_order(outputs[c.output]):
            if any(parent in reached for parent in node.parents):
                reached.add(node)
                checks += [(node.operation.name, check) for check in local(node.operation, *numbers_of(node.parents))]
        wrong = {name: w for name, w in checks if w.wrong}
        if not wrong and math.isnan(c.analytic):
            wrong = {name: w for name, w in checks if not math.isfinite(w.analytic)}
        if wrong:
            told = [f"{w.name} at {w.place} is {w.analytic!r}, its forward says {w.numeric!r}" for w in wrong.values()]
            return replace(c, suspects=tuple(wrong), why=";\n  ".join(told))
        kinks = dict.fromkeys(name for name, check in checks if check.doubt == KINK)
        if kinks:
            return replace(c, wrong=False, doubt=f"{' and '.join(kinks)}: {KINK}")
        return replace(c, why=f"{c.name}: every local derivative is right, {_lost(c, outputs[c.output], nodes)}")

    return [diagnosed(c) if c.wrong else c for c in found]


def _local(operation: Operation, operands: tuple[float, ...], problem: Problem, level: int) -> list[Comparison]:
    names = [f"x{i}" for i in range(1, len(operands) + 1)]
    alone = Problem(lambda xs: [operation(*xs)], list(operands), operation.name, names, problem.exact, problem.rtol)
    try:
        return [c for order in range(1, level + 1) for c in _compare(alone, order)]
    except (ArithmeticError, ValueError):
        return []


def _lost(c: Comparison, output: Value, nodes: list[Value]) -> str:
    """What is wrong with a sum whose factors are all right."""
    if len(c.by) > 1:
        return "yet their sum is wrong"
    edges, x = consumers(output), nodes[c.by[0]]
    along = adjoints(output, edges)
    if not abs(along.get(x, 0.0) - c.numeric) <= 1e-4 * abs(c.numeric):
        return "yet f uses the input outside of the graph.\n  Compute with x, not with x.data or stop_gradient(x)"
    terms = " + ".join(folded([repr(along[child] * slope) for child, slope in edges[x]], TERMS, more))
    return f"yet their sum is wrong: a missing accumulation of {terms}.\n  Write gradient += term for each use of x"


def _failure(compared: list[Comparison]) -> GradcheckError:
    wrong = [c for c in compared if c.wrong]
    rows = [("derivative", "input", "analytic", "numeric", "relative error", "suspect")] + [
        (c.name, c.place, repr(c.analytic), repr(c.numeric), f"{c.error:.2g}", ", ".join(c.suspects) or "none")
        for c in wrong
    ]
    lines = folded(table(rows, numbers=(2, 3)), ROWS, lambda n: f"  {more(n)}")
    lines += folded([f"  {why}." for why in dict.fromkeys(c.why for c in wrong)], ROWS, lambda n: f"  {more(n)}")
    suspects = dict.fromkeys(name for c in wrong for name in c.suspects)
    if suspects:
        lines.append(f"  Correct the derivative of {', '.join(suspects)}, or keep away from where it is not finite.")
    error = GradcheckError("\n".join([f"{len(wrong)} of {len(compared)} derivatives are wrong.", *lines]))
    error.failures = tuple(wrong)
    return error
