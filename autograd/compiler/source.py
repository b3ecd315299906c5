"""A traced function and its adjoint code as source that stands alone, in Python and in C: to read, and to embed.

One statement for each step, named after its label: h = ..., and backward h_bar = ..., its adjoint (see `listing`).
Helper functions are printed from the rows of `operations`; only the frame is written here.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence

from autograd._native import header
from autograd.compiler.listing import Listing, bars_of
from autograd.operations import OPERATIONS
from autograd.printer import Language, arity, forward_text, names
from autograd.tracing import Tape

FEW = 16  # a function in C of more inputs takes them as an array


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def wrapped(text: str, indent: str = "    ") -> list[str]:
    """A line of code in lines of at most 100 columns, broken between words."""
    return textwrap.wrap(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


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
            found[name] = f"{self.remark.format(f'{self.spell(name)}: {operation.formula}')}\n{text}\n"

        for name in list(self.called):
            add(name)
        return list(found.values())

    def told(self) -> list[str]:
        """What the second function returns, in words."""
        by = ["inputs"] * bool(self.inputs) + ["parameters"] * bool(self.parameters)
        arrays = " and ".join(by) or "nothing"
        if len(self.outputs) == 1:
            return [f"{self.output_names[0]}, and its derivatives by {arrays}"]
        return [f"the outputs, and the derivatives of the sum of outputs_bar[i] * outputs[i] by {arrays}"]

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        """The function of an operation."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------------------- Python


def _python_literal(number: float) -> str:
    return repr(number) if math.isfinite(number) else "-math.inf" if number < 0 else f"math.{number}"


def _python_function(name: str) -> str:
    return f"math.{OPERATIONS[name].forward.__name__}" if header.is_primitive(OPERATIONS[name]) else name


PYTHON = Language(
    _python_literal, _python_function, power="math.pow({}, {})", absolute="abs({})", equal="{} == {}",
    unequal="{} != {}", constant="{} = {}", variable="", assignment="{} = {}", choice="{1} if {0} else {2}",
    blocks=("if {}:", "else:", ""), indent="    ",
)  # fmt: skip


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
    The source raises where Python's arithmetic and `math` raise, in partials as well (the engine's follow IEEE there:
    sqrt'(0) is inf); of a choice, only the branch that is taken is computed.

    >>> tape = Tape()
    >>> x = tape.input(0)
    >>> scope = {}
    >>> exec(to_python(tape, [tape.lift(x * x)], 1), scope)
    >>> scope["f"](3.0), scope["f_value_and_grad"](3.0)
    (9.0, (9.0, [6.0]))
    """
    return PythonSource(tape, outputs, n_inputs, name, input_names).text()


class PythonSource(Frame):
    language, branches, remark = PYTHON, True, "# {}"

    def text(self) -> str:
        inputs = [f"{name}" for name in self.input_names]
        numbers = [f"parameters={self.name}_parameters"] * bool(self.parameters)
        seeds = ["outputs_bar"] * (len(self.outputs) > 1)
        value = ", ".join(self.output_names) if len(self.outputs) == 1 else listed(self.output_names)
        groups = [group for group in (self.input_names, self.parameter_names) if group]
        gradient = [listed(bars_of(group)) for group in groups] or ["[]"]
        (forward, _), (again, backward) = self.body(False), self.body(True)
        title = f'"""{self.name}, and {self.gradient_name}: its adjoint code. Raises where Python and math raise."""'
        functions = [
            *self.function(self.name, [*inputs, *numbers], "", [*forward, f"return {value}"]),
            *self.function(
                self.gradient_name,
                [*inputs, *seeds, *numbers],
                "; ".join(self.told()),
                ["# forward pass", *again, "", "# backward pass", *backward, f"return {value}, {', '.join(gradient)}"],
            ),
        ]
        return "\n".join([title, "", "import math", "", *self.numbers_text(), *self.helpers(), *functions])

    def numbers_text(self) -> list[str]:
        rows = [f"{self.language.literal(n)},  # {name}" for n, name in zip(self.numbers, self.parameter_names)]
        return [f"{self.name}_parameters = (", *indented(rows), ")", ""] if rows else []

    def function(self, name: str, arguments: Sequence[str], says: str, lines: Sequence[str]) -> list[str]:
        head = wrapped(f"def {name}({', '.join(arguments)}):", "        ")
        says_it = [f'"""{says[0].upper()}{says[1:]}."""'] if says else []
        *most, last = [*says_it, *lines]
        return ["", *head, *indented([*most, *wrapped(last)]), ""]

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        lines = [f"def {name}({', '.join(operands)}):", *indented([*statements, f"return {result}"])]
        return "\n".join(lines)


def listed(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"


# --------------------------------------------------------------------------------------------------------------- C


def to_c(
    tape: Tape, outputs: Sequence[int], n_inputs: int, name: str = "f", input_names: Sequence[str] | None = None
) -> str:
    """The traced function, and the function of its value and gradient, as C99 that needs only libm.

    The arguments are those of `to_python`, and so are the functions. In C the adjoints go into arrays that the caller
    brings, inputs are numbers (more than 16 an array), and `parameters` may be NULL for the current numbers, which are
    part of the source. Nothing is allocated, nothing global changes. Arithmetic follows IEEE: both branches of a choice are computed, and one is taken.

    >>> tape = Tape()
    >>> x = tape.input(0)
    >>> print(to_c(tape, [tape.lift(x * x)], 1).partition("double f_value_and_grad")[2])
    """
    return CSource(tape, outputs, n_inputs, name, input_names).text()


class CSource(Frame):
    language, branches, remark = header.C, False, "/* {} */"

    def text(self) -> str:
        (forward, _), (again, backward) = self.body(False), self.body(True)
        several = len(self.outputs) > 1
        arrays = {"inputs_bar": self.input_names, "parameters_bar": self.parameter_names}
        results = [f"double {name}[{len(of)}]" for name, of in arrays.items() if of]
        values = [f"outputs[{place}] = {name};" for place, name in enumerate(self.output_names) if several]
        end = values or [f"return {self.output_names[0]};"]
        kind, out = ("void", [f"double outputs[{len(self.outputs)}]"]) if several else ("double", [])
        seeds = [f"const double outputs_bar[{len(self.outputs)}]"] * several
        inputs, numbers = self.input_arguments(), ["const double *parameters"] * bool(self.parameters)
        stored = [f"{name}[{i}] = {bar};" for name, of in arrays.items() for i, bar in enumerate(bars_of(of))]
        first = self.function(f"{kind} {self.name}", [*inputs, *numbers, *out], [*forward, *end])
        second = self.function(
            f"{kind} {self.gradient_name}",
            [*inputs, *seeds, *numbers, *out, *results],
            ["/* forward pass */", *again, "", "/* backward pass */", *backward, *stored, *end],
        )
        top = self.usage(results)
        return "\n".join([*top, "#include <math.h>", "", *self.numbers_text(), *self.helpers(), *first, *second])

    def input_arguments(self) -> list[str]:
        few = len(self.inputs) <= FEW
        return [f"double {name}" for name in self.input_names] if few else [f"const double inputs[{len(self.inputs)}]"]

    def usage(self, results: Sequence[str]) -> list[str]:
        count = len(self.inputs)
        inputs = [f"{place + 1}.0" for place in range(count)] if count <= FEW else ["inputs"]
        several, null = len(self.outputs) > 1, ["NULL"] * bool(self.parameters)
        seeds, out = ["outputs_bar"] * several, ["outputs"] * several
        bars = [result.split()[1].partition("[")[0] for result in results]
        declared = [f"double {', '.join(result.split()[1] for result in results)};"] if results else []
        if several:
            declared.append(f"double outputs[{len(self.outputs)}], outputs_bar[{len(self.outputs)}] = {{1.0}};")
        if count > FEW:
            declared.append(f"double inputs[{count}] = {{1.0}};")
        left = "" if several else "double value = "
        calls = [
            f"{left}{self.name}({', '.join([*inputs, *null, *out])});",
            f"{left.replace('double ', '')}{self.gradient_name}({', '.join([*inputs, *seeds, *null, *out, *bars])});",
        ]
        says = [*wrapped(f"{self.name}, and {self.gradient_name}: {self.told()[0]}."), ""]
        if self.parameters:
            says += ["`parameters` may be NULL for the numbers below.", ""]
        says += ["To get the same bits everywhere, compile with -ffp-contract=off. For example:", ""]
        example = [*declared, *(part for call in calls for part in wrapped(call))]
        return ["/*", *indented([*says, *indented(example)]), "*/"]

    def numbers_text(self) -> list[str]:
        rows = [f"{self.language.literal(n)}, /* {name} */" for n, name in zip(self.numbers, self.parameter_names)]
        head = f"static const double {self.name}_parameters[{len(rows)}] = {{"
        return [head, *indented(rows), "};", ""] if rows else []

    def function(self, head: str, arguments: Sequence[str], lines: Sequence[str]) -> list[str]:
        """The function; an argument that it does not need says so, lest compilers warn."""
        used = set(re.findall(r"\w+", "\n".join(lines)))
        before = []
        if len(self.inputs) > FEW:
            places = enumerate(self.input_names)
            before = [self.bind(name, f"inputs[{place}]") for place, name in places if name in used]
            used |= {"inputs"} if before else set()
        if "parameters" in used:
            before.append(f"if (!parameters) parameters = {self.name}_parameters;")
        declared = [argument.partition("[")[0].replace("*", "").split()[-1] for argument in arguments]
        unused = [f"(void){name};" for name in declared if name not in used]
        heads = wrapped(f"{head}({', '.join(arguments) or 'void'}) {{", "        ")
        return [*heads, *indented([*unused, *before, *lines]), "}", ""]

    def helper(self, name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
        return header.printed(self.spell(name), operands, statements, result)
