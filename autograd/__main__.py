"""An expression at the command line: its value, its gradient, and the two passes that lead there.

python -m autograd "y + exp(x*y)" x=0.5 y=2 [--check] [--second] [--draw FILE] [--explore FILE.html]
"""

from __future__ import annotations

import argparse
import difflib
import math
import sys
from collections.abc import Mapping, Sequence

import autograd
from autograd.explain import trace
from autograd.expression import CONSTANTS, FUNCTIONS, LANGUAGE, NEAR, Expression, ExpressionError
from autograd.formatting import on_one_line, short, shown
from autograd.notation import table
from autograd.value import Value, to_node

SIDE_BY_SIDE = 3  # second derivatives with all their digits in one table


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0, 1 where the expression is not defined or a file cannot be written, 2 for what is no question."""
    argv = sys.argv[1:] if argv is None else argv
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a console without bars over letters still gets its numbers
    parser = argparse.ArgumentParser(
        prog="python -m autograd",
        description="The value of an expression, its gradient, and the forward and the backward pass that lead there.",
        epilog=f"{LANGUAGE} The functions: {', '.join(FUNCTIONS)}.",
    )
    parser.add_argument("expression", help='in quotation marks: "y + exp(x*y)"')
    parser.add_argument("values", nargs="*", metavar="name=number", help="the value of each name in it: x=0.5 y=2")
    parser.add_argument("--check", action="store_true", help="central finite differences beside the gradient")
    parser.add_argument("--second", action="store_true", help="the second derivatives (the Hessian)")
    parser.add_argument("--draw", metavar="FILE", help="save a picture of the graph: .svg, .png, .pdf or .dot")
    parser.add_argument("--explore", metavar="FILE.html", help="write a page that steps through both passes")
    # argparse takes -x**2 for an option. A space in front says that it is none.
    arguments = [f" {a}" if a[:1] == "-" and a[1:2] != "-" and a != "-h" else a for a in argv]
    options = parser.parse_intermixed_args(arguments)
    try:
        expression = Expression(options.expression.removeprefix(" "))
        numbers = read_values(expression, options.values)
    except ExpressionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        leaves = {name: Value(number, name) for name, number in numbers.items()}
        result = to_node(expression(leaves))
        result.backward()
        print(report(expression, leaves, result, options.check))
        if options.second and numbers:
            print(f"\n{second_derivatives(expression, numbers)}")
        print(f"\n{trace(result)}")
        if options.draw:
            autograd.draw(result).save(options.draw)
            print(f"\nThe picture is in {options.draw}.")
        if options.explore:
            autograd.explore(result, options.explore)
            print(f"\nThe page is in {options.explore}.")
    except (ArithmeticError, ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def read_values(expression: Expression, settings: Sequence[str]) -> dict[str, float]:
    """The numbers of `x=0.5 y=2`, one for each name of the expression. Raises ExpressionError, naming what is off."""
    numbers: dict[str, float] = {}
    for setting in settings:
        name, _, text = (part.strip() for part in setting.partition("="))
        if name not in expression.names or "=" not in setting:
            known = f"It has {on_one_line(', '.join(expression.names))}." if expression.names else "It has no names."
            near = difflib.get_close_matches(name, expression.names, 1, NEAR)
            example = next(iter([*near, *expression.names]), "x")
            raise ExpressionError(
                f"{shown(setting.strip())} gives no value to a name in the expression.\n  {known}\n"
                f"  Write {on_one_line(example)}=0.5, without spaces, or leave it out."
            )
        if name in numbers:
            raise ExpressionError(
                f"{name} has two values.\n  {shown(setting)} is the second one.\n  Write only one {name}=..."
            )
        try:
            numbers[name] = float(text)
        except ValueError:
            raise ExpressionError(
                f"{shown(text)} is no number, so {name} has none.\n"
                f"  Behind the sign stands a number as Python writes it.\n  Write {name}=0.5, or {name}=1e-3."
            ) from None
    for name, position in expression.names.items():
        if name not in numbers:
            advice = f"Write {name}={CONSTANTS.get(name, 0.5)} after the expression."
            raise expression.error(position, f"{name} has no value.", advice)
    return numbers


def report(expression: Expression, leaves: Mapping[str, Value], result: Value, check: bool) -> str:
    """The value and the gradient with all their digits, and beside it what finite differences say."""
    rows = [["", "engine", "finite difference", "apart by"], ["value", repr(result.data), "", ""]]
    estimates = [math.nan] * len(leaves)
    if check and leaves:
        numbers = tuple(leaf.data for leaf in leaves.values())
        estimates = autograd.numerical_gradient(lambda *xs: expression(dict(zip(leaves, xs))), numbers)
    for (name, leaf), estimate in zip(leaves.items(), estimates):
        undefined = ["", "not defined around here"]
        beside = undefined if math.isnan(estimate) else [repr(estimate), short(abs(estimate - leaf.grad))]
        rows.append([f"df/d{name}", repr(leaf.grad), *beside])
    head = f"f({', '.join(leaves)}) = {' '.join(expression.text.split())}"
    lines = table(rows, numbers=(1, 2)) if check else table([row[:2] for row in rows], numbers=(1,))[1:]
    return "\n".join([head if leaves else head.removeprefix("f() = "), "", *lines])


def second_derivatives(expression: Expression, numbers: Mapping[str, float]) -> str:
    names = list(numbers)
    hessian = autograd.hessian(lambda xs: expression(dict(zip(names, xs))))([*numbers.values()])
    lines = ["Second derivatives"]
    for first in range(0, len(names), SIDE_BY_SIDE):
        chosen = slice(first, first + SIDE_BY_SIDE)
        rows = [["", *(f"d/d{name}" for name in names[chosen])]]
        rows += [[f"df/d{name}", *map(repr, row[chosen])] for name, row in zip(names, hessian)]
        lines += ["", *table(rows, numbers=range(1, len(rows[0])))]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
