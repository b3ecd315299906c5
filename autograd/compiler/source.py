"""A traced function and its adjoint code as source that stands alone, in Python and in C: to read, and to embed.

One statement for each step, named after its label: h = ..., and backward h_bar = ..., its adjoint (see `listing`).
Helper functions are printed from the rows of `operations`; only the frame is written here.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace

from autograd._native import header
from autograd.compiler.listing import Listing, bars_of
from autograd.operations import OPERATIONS
from autograd.printer import Language, arity, forward_text, names
from autograd.tracing import Tape

FEW = 16  # a function in C of more inputs takes them as an array
FIXED = "\0"  # a space where no line is to break


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def wrapped(text: str, indent: str = "    ") -> list[str]:
    """A line of code in lines of at most 100 columns, broken between words."""
    return textwrap.wrap(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def call(function: str, arguments: Sequence[str]) -> str:
    return f"{function}({', '.join(arguments)})"


def listed(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"


class Frame(Listing):
    """The functions around the statements."""

    def helpers(self) -> list[str]:
        """The functions that were called and are not in the library, each behind those that it calls."""
        found: dict[str, str] = {}

        def add(name: str) -> None:
            operation = OPERATIONS[name]
            if name in found or header.is_primitive(operation):
                return
            self.called, operands = {}, names(arity(operation))
            text = self.helper(name, operands, *forward_text(self.language, operation, operands))
            for other in self.called:
                add(other)
            found[name] = f"{self.remark.format(operation.formula)}\n{text}"

        for name in list(self.called):
            add(name)
        return list(found.values())

    def told(self, finds: str) -> str:
        """What the second function does, in words."""
        by = [kind for kind, leaves in (("inputs", self.inputs), ("parameters", self.parameters)) if leaves]
        what = (
            "its derivatives" if len(self.outputs) == 1 else "the derivatives of the sum of outputs_bar[i] * outputs[i]"
        )
        value = self.output_names[0] if len(self.outputs) == 1 else "the outputs"
        return f"{finds} {value} and {what} by {' and '.join(by) or 'nothing'}."

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        """The function of an operation."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------- Python


def _python_literal(number: float) -> str:
    return repr(number) if math.isfinite(number) else "-math.inf" if number < 0 else f"math.{number}"


def _python_function(name: str) -> str:
    return f"math.{OPERATIONS[name].forward.__name__}" if header.is_primitive(OPERATIONS[name]) else name


def _python_partial(name: str) -> str:
    primitive = header.is_primitive(OPERATIONS[name]) and name not in NEVER_RAISE
    return f"ieee({_python_function(name)}, {{}})" if primitive else _python_function(name)


NEVER_RAISE = ("arctan", "tanh", "erf")
PYTHON = Language(
    _python_literal, _python_function, power="power({}, {})", absolute="abs({})", equal="{} == {}",
    unequal="{} != {}", constant="{} = {}", variable="", assignment="{} = {}", choice="{1} if {0} else {2}",
    blocks=("if {}:", "else:", ""), indent="    ",
)  # fmt: skip
PYTHON_PARTIALS = replace(PYTHON, function=_python_partial, power="ieee_power({}, {})", divide="ieee_divide({}, {})")
# What is in front of the functions where they use it: x^y as the engine has it, and the arithmetic of partials.
PYTHON_HELPERS = {
    "power": """\
# x^y, where it is real
def power(x, y):
    result = x**y
    if isinstance(result, complex):
        raise ValueError("the result would be complex")
    return result""",
    "ieee": """\
# function(x) in the arithmetic of IEEE 754, which does not raise
def ieee(function, x):
    try:
        return function(x)
    except OverflowError:
        return -math.inf if function is math.sinh and x < 0.0 else math.inf
    except ValueError:
        pole = {math.log: 0.0, math.log1p: -1.0}.get(function)
        return -math.inf if x == pole else math.nan""",
    "ieee_divide": """\
# a / b in the arithmetic of IEEE 754, which does not raise
def ieee_divide(a, b):
    if b != 0.0:
        return a / b
    return math.copysign(math.inf, a) * math.copysign(1.0, b) if abs(a) > 0.0 else math.nan""",
    "ieee_power": """\
# x^y in the arithmetic of IEEE 754, which does not raise
def ieee_power(x, y):
    try:
        result = x**y
    except (ZeroDivisionError, OverflowError):
        return -math.inf if math.copysign(1.0, x) < 0.0 and y % 2.0 == 1.0 else math.inf
    return math.nan if isinstance(result, complex) else result""",
}


def to_python(
    tape: Tape, outputs: Sequence[int], n_inputs: int, name: str = "f", input_names: Sequence[str] | None = None
) -> str:
    """The traced function, and the function of its value and gradient, as Python source that needs only `math`.

    tape, outputs  what tracing wrote down, and the numbers of the steps that the function returns
    name           of the function; labels, this one and the others, are sanitised, never code
    input_names    of the inputs, else their labels, else x0, x1, ...

    For one output the second function returns the value and the lists of its derivatives by the inputs and (if there
    are any) by the parameters; for several it is `f_vjp`, which takes an adjoint for each output and returns the
    outputs and, for the sum of adjoint * output, the same lists. Parameters have their current numbers as default.
    The source raises where the engine does: in the forward pass, where Python's arithmetic and `math` raise. Partials
    follow IEEE 754: sqrt'(0) is inf. Of a choice, only the branch that is taken is computed.

    >>> tape = Tape()
    >>> x = tape.input(0)
    >>> scope = {}
    >>> exec(to_python(tape, [tape.lift(x * x)], 1), scope)
    >>> scope["f"](3.0), scope["f_value_and_grad"](3.0)
    (9.0, (9.0, [6.0]))
    """
    return PythonSource(tape, outputs, n_inputs, name, input_names).text()


def returned(text: str) -> list[str]:
    """The statement that returns it, in brackets where it has several lines."""
    lines = wrapped(text, "")
    return [f"return {text}"] if len(lines) == 1 else ["return (", *indented(lines), ")"]


class PythonSource(Frame):
    language, partials, remark = PYTHON, PYTHON_PARTIALS, "# {}"

    def text(self) -> str:
        numbers = [f"parameters={self.name}_parameters"] * bool(self.parameters)
        seeds = ["outputs_bar"] * (len(self.outputs) > 1)
        value = listed(self.output_names) if seeds else self.output_names[0]
        groups = [group for group in (self.input_names, self.parameter_names) if group]
        gradient = ", ".join([listed(bars_of(group)) for group in groups] or ["[]"])
        (forward, _), (again, backward) = self.body(False), self.body(True)
        first = self.function(self.name, [*self.input_names, *numbers], [*forward, *returned(value)])
        lines = ["# Forward pass.", *again, "", "# Backward pass.", *backward, *returned(f"{value}, {gradient}")]
        says = f'"""{self.told("Return")}"""'
        second = self.function(self.gradient_name, [*self.input_names, *seeds, *numbers], [says, *lines])
        title = f'"""{self.name} and {self.gradient_name}, its adjoint code. They raise where Python and math raise."""'
        used = set(re.findall(r"\w+(?=\()", first + second))
        own = [text for name, text in PYTHON_HELPERS.items() if name in used]
        parts = [f"{title}\n\nimport math", *self.numbers_text(), *own, *self.helpers(), first, second]
        return "\n\n\n".join(parts) + "\n"

    def numbers_text(self) -> list[str]:
        rows = [f"{self.language.literal(n)},  # {name}" for n, name in zip(self.numbers, self.parameter_names)]
        return ["\n".join([f"{self.name}_parameters = (", *indented(rows), ")"])] if rows else []

    def function(self, name: str, arguments: Sequence[str], lines: Sequence[str]) -> str:
        head = wrapped(f"def{FIXED}{call(name, arguments)}:", "        ")
        return "\n".join([*(line.replace(FIXED, " ") for line in head), *indented(lines)])

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        lines = [f"def {name}({', '.join(operands)}):", *indented([*statements, f"return {result}"])]
        return "\n".join(lines)


# --------------------------------------------------------------------------------------------------------------- C


def to_c(
    tape: Tape, outputs: Sequence[int], n_inputs: int, name: str = "f", input_names: Sequence[str] | None = None
) -> str:
    """The traced function, and the function of its value and gradient, as C99 that needs only libm.

    The arguments are those of `to_python`, and so are the functions. In C the adjoints go into arrays that the caller
    brings, inputs are numbers (more than 16 an array), and `parameters` may be NULL for the current numbers, which
    are part of the source. Nothing is allocated, nothing global changes. Arithmetic follows IEEE: both branches of a
    choice are computed, and one is taken.

    >>> tape = Tape()
    >>> x = tape.input(0)
    >>> print("double f_v" + to_c(tape, [tape.lift(x * x)], 1).partition("double f_v")[2], end="")
    double f_value_and_grad(double x0, double inputs_bar[1]) {
        /* Forward pass. */
        const double f_out = x0 * x0;
    <BLANKLINE>
        /* Backward pass. */
        const double f_out_bar = 1.0;
        const double t1 = f_out_bar * x0;
        const double x0_bar = t1 + t1;
        inputs_bar[0] = x0_bar;
        return f_out;
    }
    """
    return CSource(tape, outputs, n_inputs, name, input_names).text()


class CSource(Frame):
    language, partials, remark = header.C, None, "/* {} */"

    def text(self) -> str:
        (forward, _), (again, backward) = self.body(False), self.body(True)
        several = len(self.outputs) > 1
        out = ["outputs"] * several
        bars = {"inputs_bar": self.input_names, "parameters_bar": self.parameter_names}
        self.sizes = {name: len(of) for name, of in bars.items() if of}
        self.sizes |= {"outputs": len(self.outputs), "outputs_bar": len(self.outputs)} if several else {}
        self.sizes |= {"inputs": len(self.inputs)} if len(self.inputs) > FEW else {}
        inputs = ["inputs"] if "inputs" in self.sizes else self.input_names
        numbers = ["parameters"] * bool(self.parameters)
        arguments = [*inputs, *["outputs_bar"] * several, *numbers, *out, *(name for name, of in bars.items() if of)]
        end = [f"outputs[{place}] = {name};" for place, name in enumerate(self.output_names)]
        end = end if several else [f"return {self.output_names[0]};"]
        stored = [f"{name}[{i}] = {bar};" for name, of in bars.items() for i, bar in enumerate(bars_of(of))]
        first = self.function(self.name, [*inputs, *numbers, *out], [*forward, *end])
        lines = ["/* Forward pass. */", *again, "", "/* Backward pass. */", *backward, *stored, *end]
        second = self.function(self.gradient_name, arguments, lines)
        usage = self.usage([*inputs, *numbers, *out], arguments)
        parts = [f"{usage}\n#include <math.h>", *self.numbers_text(), *self.helpers(), first, second]
        return "\n\n".join(parts) + "\n"

    def usage(self, first: Sequence[str], second: Sequence[str]) -> str:
        """The comment at the top: what the functions do, and how they are called."""
        several = len(self.outputs) > 1
        arrays = [
            f"{name}[{size}]{' = {1.0}' * (name in ('inputs', 'outputs_bar'))}" for name, size in self.sizes.items()
        ]
        shown = {name: f"{place}.0" for place, name in enumerate(self.input_names, 1)} | {"parameters": "NULL"}
        calls = [
            f"{call(function, [shown.get(argument, argument) for argument in arguments])};"
            for function, arguments in ((self.name, first), (self.gradient_name, second))
        ]
        if not several:
            calls = [f"double value = {calls[0]}", f"value = {calls[1]}"]
        example = [f"double {', '.join(arrays)};"] * bool(arrays) + calls
        says = wrapped(f"{self.name}, and its adjoint code: {self.told(f'{self.gradient_name} finds')}", "")
        says += ["parameters may be NULL: then they are the numbers below."] * bool(self.parameters)
        says += ["Compile with -ffp-contract=off for the same bits on every machine. Example:", ""]
        return "\n".join(
            ["/*", *indented([*says, *indented(part for line in example for part in wrapped(line))]), "*/"]
        )

    def numbers_text(self) -> list[str]:
        rows = [f"{self.language.literal(n)}, /* {name} */" for n, name in zip(self.numbers, self.parameter_names)]
        head = f"static const double {self.name}_parameters[{len(rows)}] = {{"
        return ["\n".join([head, *indented(rows), "};"])] if rows else []

    def function(self, name: str, arguments: Sequence[str], lines: Sequence[str]) -> str:
        """The function; an argument that it does not need says so, lest compilers warn."""
        used = set(re.findall(r"\w+", "\n".join(lines)))
        before = []
        if "inputs" in arguments:
            places = enumerate(self.input_names)
            before = [self.bind(name, f"inputs[{place}]") for place, name in places if name in used]
            used |= {"inputs"} if before else set()
        if "parameters" in used:
            before.append(f"if (!parameters) parameters = {self.name}_parameters;")
        unused = [f"(void){argument};" for argument in arguments if argument not in used]
        unused += [f"(void){self.name}_parameters;"] * ("(void)parameters;" in unused)
        kind = "double" if len(self.outputs) == 1 else "void"
        declared = [self.declared(argument) for argument in arguments] or ["void"]
        head = wrapped(f"{call(f'{kind} {name}', declared)} {{", "        ")
        return "\n".join([*(line.replace(FIXED, " ") for line in head), *indented([*unused, *before, *lines]), "}"])

    def declared(self, argument: str) -> str:
        """An argument with its type, on one line."""
        constant = "const double" if argument in ("inputs", "parameters", "outputs_bar") else "double"
        array = "[]" if argument == "parameters" else f"[{self.sizes[argument]}]" if argument in self.sizes else ""
        return f"{constant} {argument}{array}".replace(" ", FIXED)

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        """Once in a file, however many of these sources it holds."""
        function = self.spell(name)
        guard = f"AUTOGRAD_{function.upper()}"
        text = header.printed(function, operands, statements, result).rstrip("\n")
        return f"#ifndef {guard}\n#define {guard}\n{text}\n#endif"
