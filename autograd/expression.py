"""The expressions of the command line: parsed here, never evaluated by Python.

    expression   numbers, names, + - * / **, parentheses, and calls of the engine's functions: y + exp(-x**2)

Precedence is Python's. The parser is an operator-precedence parser with a stack of its own, so that nesting has no
limit, and what it makes is a list of steps for a stack of numbers.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from functools import reduce
from textwrap import fill, indent
from typing import Any, NamedTuple
from unicodedata import east_asian_width

from autograd import operations, reductions
from autograd.formatting import shown
from autograd.operations import OPERATIONS
from autograd.value import Value


class ExpressionError(ValueError):
    """What is wrong with an expression, with a caret under the place."""


class Step(NamedTuple):
    """Push a number or the value of a name (no operands), or call a function on that many operands from the stack."""

    what: Any
    operands: int
    position: int


class Pending(NamedTuple):
    """What waits for its right operand, or, with binding 0, a parenthesis or call that waits to be closed."""

    binding: int
    what: Any  # the function of an operator; the name of a called function; None for a parenthesis that groups
    operands: int
    position: int


def _power(a: Any, b: Any) -> Any:
    return a**b if type(a) is Value and type(b) is float else operations.power(a, b)  # no logarithm for x**2


# fmt: off
BINARY: dict[str, tuple[int, Callable[..., Any]]] = {
    "+": (1, operations.add), "-": (1, operations.subtract),
    "*": (2, operations.multiply), "/": (2, operations.divide),
    "**": (4, _power),
}
UNARY, POWER = 3, 4  # so that -x**2 is -(x**2); 2**-1 needs no rule, a minus before an operand completes nothing

FUNCTIONS: dict[str, tuple[Callable[..., Any], int | None]] = {  # the function, and how many arguments; None for some
    **{name: (op, len(op.example) - 1) for name, op in OPERATIONS.items()},
    "logsumexp": (lambda *xs: reductions.logsumexp(xs), None),
    "log_softmax": (operations.log_softmax, None),
    "sum": (lambda *xs: reductions.sum(xs), None),
    "max": (lambda *xs: reduce(operations.maximum, xs), None),
    "min": (lambda *xs: reduce(operations.minimum, xs), None),
    "abs": (operations.absolute, 1),
}
# fmt: on

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?P<rest>[\w.]*))"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|[-+*/(),])|(?P<end>\Z)|(?P<other>.))",
    re.DOTALL,
)
OPENS = re.compile(r"\s*\(")
INSTEAD = {
    "^": "Write ** for a power: x**2.", "//": "Write / for a quotient.", "÷": "Write / for a quotient.",
    "=": "Write values behind the expression: x=0.5.", "×": "Write * for a product.", "·": "Write * for a product.",
    "−": "Write the minus of the keyboard, -.", "[": "Write ( ) to group.", "{": "Write ( ) to group.",
    "|": "Write abs(x).",
}  # fmt: skip
# What other languages call by these names, in this one.
ELSEWHERE = {
    **dict.fromkeys(["where", "if", "iif", "ifelse", "piecewise"], "maximum(x, y), minimum(x, y) or relu(x)"),
    "e": "exp(x)", "ln": "log(x)", "log2": "log(x)/log(2)", "lg": "log(x)/log(10)", "log10": "log(x)/log(10)",
    "exp2": "2**x", "pow": "x**y", "square": "x**2", "sqr": "x**2", "cbrt": "x**(1/3)", "root": "x**(1/y)",
    "hypot": "sqrt(x**2 + y**2)", "reciprocal": "1/x", "inv": "1/x", "neg": "-x", "sub": "x - y", "mul": "x*y",
    "div": "x/y", "prod": "x*y", "mean": "sum(x, y)/2", "sign": "x/abs(x)", "sgn": "x/abs(x)", "fabs": "abs(x)",
    "tg": "tan(x)", "ctg": "1/tan(x)", "cot": "1/tan(x)", "sec": "1/cos(x)", "csc": "1/sin(x)", "sinc": "sin(x)/x",
    "asin": "arcsin(x)", "acos": "arccos(x)", "atan": "arctan(x)",
    "arctg": "arctan(x)", "atg": "arctan(x)", "arctan2": "arctan(y/x)", "atan2": "arctan(y/x)",
    "sh": "sinh(x)", "ch": "cosh(x)", "th": "tanh(x)", "coth": "1/tanh(x)", "csch": "1/sinh(x)",
    **dict.fromkeys(["asinh", "arcsinh", "arsinh"], "log(x + sqrt(x**2 + 1))"),
    **dict.fromkeys(["acosh", "arccosh", "arcosh"], "log(x + sqrt(x**2 - 1))"),
    **dict.fromkeys(["atanh", "arctanh", "artanh"], "log((1 + x)/(1 - x))/2"),
    "erfc": "1 - erf(x)", "logit": "log(x/(1 - x))", "expit": "sigmoid(x)", "logistic": "sigmoid(x)",
    "silu": "x*sigmoid(x)", "swish": "x*sigmoid(x)",
}  # fmt: skip
NEAR = 0.75  # of 1: how like the name of a function a slip of it is
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau, "π": math.pi}
LANGUAGE = "Write an expression of numbers, names, + - * / **, parentheses and functions: y + exp(-x**2)."


class Expression:
    """A parsed expression, called with the values of its names.

    text    the expression as it was written
    names   its variables, in order of appearance, with the position of the first one

    >>> f = Expression("y + x**2")
    >>> list(f.names), f({"x": 3.0, "y": 0.5})
    (['y', 'x'], 9.5)

    With Values it returns the Value at the end of their graph. Raises ExpressionError for what is no expression, and
    when called, what the engine raises outside of a domain; both with a caret under the place.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: dict[str, int] = {}
        self._steps = self._parse()

    def __call__(self, values: Mapping[str, Any]) -> Any:
        stack: list[Any] = []
        for what, operands, position in self._steps:
            if not operands:
                stack.append(values[what] if isinstance(what, str) else what)
                continue
            arguments = stack[-operands:]
            del stack[-operands:]
            try:
                stack.append(what(*arguments))
            except (ArithmeticError, ValueError) as error:
                message, _, advice = str(error).partition("\n")
                raise type(error)("\n".join([message, self.pointer(position), *[advice] * bool(advice)])) from None
        return stack[0]

    def error(self, position: int, message: str, advice: str) -> ExpressionError:
        return ExpressionError(f"{message}\n{self.pointer(position)}\n{indent(fill(advice, 98), '  ')}")

    def pointer(self, position: int, width: int = 90) -> str:
        """The expression in one line, or the part of it around `position`, and a caret under the place."""
        line = "".join(c if c.isprintable() else " " for c in self.text)
        start = max(0, min(position - width // 2, len(line) - width))
        before = "…" * bool(start) + line[start:position]
        after = line[position : start + width] + "…" * (start + width < len(line))
        return f"  {before}{after}\n  {' ' * sum(2 if east_asian_width(c) in 'WF' else 1 for c in before)}^"

    def _parse(self) -> list[Step]:
        steps: list[Step] = []
        pending: list[Pending] = []
        end, wants_operand = 0, True

        def complete(binding: int) -> None:
            while pending and pending[-1].binding >= binding:
                steps.append(Step(*pending.pop()[1:]))

        while True:
            token: Any = TOKEN.match(self.text, end)
            kind = token.lastgroup
            text, place, end = token[kind], token.start(kind), token.end()
            if wants_operand:
                if kind == "number":
                    if token["rest"]:
                        raise self.error(
                            place, f"{shown(text)} is no number.", "Write 2*x for a product, 1.5e-3 for 0.0015."
                        )
                    steps.append(Step(float(text), 0, place))
                elif kind == "name" and self._opens_call(text, place, end):
                    end = self.text.index("(", end) + 1
                    pending.append(Pending(0, text, 1, place))
                    continue
                elif kind == "name":
                    self.names.setdefault(text, place)
                    steps.append(Step(text, 0, place))
                elif text == "(":
                    pending.append(Pending(0, None, 1, place))
                    continue
                elif text == "-":
                    pending.append(Pending(UNARY, operations.negative, 1, place))
                    continue
                elif text == "+":
                    continue
                else:
                    raise self._unexpected(text, place, "A number, a name or a parenthesis is missing here.")
                wants_operand = False
            elif text in BINARY:
                binding, function = BINARY[text]
                complete(binding + (binding == POWER))  # powers group from the right
                pending.append(Pending(binding, function, 2, place))
                wants_operand = True
            elif kind in ("number", "name") or text == "(":
                raise self.error(place, "An operator is missing here.", "Write * for a product: 2*x, x*(y + 1).")
            elif text not in (")", ",", ""):
                raise self._unexpected(text, place, "")
            else:
                complete(1)
                opened = pending.pop() if pending else None
                if text == "":
                    if opened:
                        raise self.error(opened.position, "This parenthesis is never closed.", "Write ) where it ends.")
                    return steps
                if opened is None:
                    message = "This parenthesis closes nothing." if text == ")" else "A comma outside of a call."
                    raise self.error(place, message, "Write commas and parentheses with a function: max(x, y).")
                if text == ",":
                    if opened.what is None:
                        raise self.error(
                            place, "A comma outside of a call.", "Write commas between arguments: max(x, y)."
                        )
                    pending.append(opened._replace(operands=opened.operands + 1))
                    wants_operand = True
                elif opened.what is not None:
                    steps.append(self._call(opened))

    def _opens_call(self, name: str, place: int, end: int) -> bool:
        """Whether a name is that of a function, which must be called, and nothing else may be."""
        called = OPENS.match(self.text, end) is not None
        if called and name not in FUNCTIONS:
            near = difflib.get_close_matches(name.lower(), FUNCTIONS, 1, NEAR)
            advice = f"Write {near[0]}(...), the nearest name." if near else f"Write one of {', '.join(FUNCTIONS)}."
            if name.lower() in ELSEWHERE:
                advice = f"Write {ELSEWHERE[name.lower()]}."
            raise self.error(place, f"There is no function {shown(name)}.", advice)
        if name in FUNCTIONS and not called:
            raise self.error(place, f"{name} is a function.", f"Write {name}(x); a variable needs another name.")
        return called

    def _call(self, opened: Pending) -> Step:
        function, wanted = FUNCTIONS[opened.what]
        if wanted not in (None, opened.operands):
            letters = ", ".join("abcdefgh"[:wanted]) if wanted != 1 else "x"
            message = f"{opened.what} takes {wanted} argument{'s' * (wanted != 1)}, not {opened.operands}."
            raise self.error(opened.position, message, f"Write {opened.what}({letters}).")
        return Step(function, opened.operands, opened.position)

    def _unexpected(self, text: str, place: int, message: str) -> ExpressionError:
        if text == "":
            return self.error(
                place, "The expression ends too early." if self.text.strip() else "The expression is empty.", LANGUAGE
            )
        if text in ("*", "/", "**", ")", ","):
            return self.error(place, message, LANGUAGE)
        return self.error(place, f"{text!r} has no meaning here.", INSTEAD.get(text, LANGUAGE))
