"""The longer texts of errors, in three parts: what happened, why, the corrected code.

The two lines behind the first are indented by two spaces. Whoever raises picks the class of the error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.formatting import on_one_line, shown

LOSES_THE_GRADIENT = (
    "float(v), and so math.exp(v) and its kin, would lose the gradient.\n"
    "  They make a plain number of a node, and a number has no parents.\n"
    "  Write v.data for the number, v.exp() or autograd.exp(v) for the operation."
)
NO_SUBCLASSES = (
    "Value cannot be subclassed.\n"
    "  Operations return plain Values, so that a subclass would be lost at the first one.\n"
    "  Write a function of Values, or an operation of your own: @autograd.operation(lambda out, x: (3 * x * x,))."
)
NO_BACKWARD_OF_ITS_OWN = (
    "A node has no _backward of its own.\n  Its local derivatives belong to the operation that made it.\n"
    "  Write the operation with its derivative: @autograd.operation(lambda out, x: (3 * x * x,))."
)
NOT_RECORDED = (
    "{call} of a result of no_grad(): no step was recorded.\n  Inside of its block operations return plain leaves.\n"
    "  Compute it outside of the block, or write autograd.stop_gradient(v) for the one part that is to be constant."
)
NUMBERS_FOR_A_RULE = (
    "Value(data, children, local_grads) took its partials as numbers, and they are to be differentiated again.\n"
    "  A number has no derivative: the result would be 0.\n"
    "  Write the step with the engine's functions, or with a rule: @autograd.operation(lambda out, x: (3 * x * x,))."
)
NO_MODULUS = (
    "pow(x, y, z) of a Value has no derivative.\n  It is x**y modulo z, which whole numbers have.\n"
    "  Write x**y, or of the plain numbers pow(2, 3, 5)."
)

NO_GRAD_IN_A_TRACE = (
    "no_grad() inside of a function that is traced.\n"
    "  What runs there is written down as a tape, which has no such blocks.\n"
    "  Write autograd.stop_gradient(x) around what is to be constant."
)
FOREIGN_PLACEHOLDER = (
    "A placeholder of another function took part in the one that is traced.\n"
    "  A compiled function is traced by itself, and sees numbers and Values from outside, no other trace.\n"
    "  Write the inner function plainly and compile the outer one: autograd.compile(outer)."
)

# What stands in place of a number, by the name of its type: why it is none, and what to write.
NO_NUMBERS = {
    "Value": (
        "A node holds a plain number; another node in its place would lose the gradient.",
        "v.data for its number",
    ),
    "str": ("A text is no number, even where it looks like one.", "float(text) for the number in it"),
    "dict": ("Derivatives are by numbers and by sequences of numbers.", "list(numbers.values()) for the numbers in it"),
    "NoneType": (
        "A function without `return` gives None, and PyTorch resets a gradient to it.",
        "return result in the function, v.grad = 0.0 for a gradient",
    ),
    "complex": ("The engine computes with real numbers.", "z.real or z.imag for one of its parts"),
    "list": ("An operation takes single numbers.", "[f(x) for x in numbers] to apply f to each of them"),
    "other": ("The engine computes with real numbers.", "float(x), if x stands for one"),
}
NO_NUMBERS |= {"tuple": NO_NUMBERS["list"], "ndarray": NO_NUMBERS["list"]}


def no_number(x: Any, kind: str = "") -> str:
    why, remedy = NO_NUMBERS.get(kind or type(x).__name__, NO_NUMBERS["other"])
    return f"Expected a real number, got {type(x).__name__}: {shown(x)}.\n  {why}\n  Write {remedy}."


def no_double(number: Any) -> str:
    return (
        f"{shown(number, 40)} is larger than a double can be.\n"
        "  The largest double is 1.8e308.\n  Write math.log(n), and compute with the logarithm."
    )


def no_number_yet(line: str) -> str:
    return (
        f"A function that is traced asked for a number at {line}.\n"
        "  It runs once on placeholders: a branch, float(), .data, .grad or an index would be taken once and for all.\n"
        "  Write autograd.where(c, a, b) for a if c else b, c & d for c and d, autograd.exp(x) for math.exp(x)."
    )


def a_number_here(line: str) -> str:
    return (
        f"A number was used as a sequence at {line}.\n"
        "  Without n_inputs or an example, each argument of a compiled function is one number.\n"
        "  Write autograd.compile(f, n_inputs=2) for a sequence of two numbers."
    )


def no_label(label: Any) -> str:
    return (
        f"A label is a str, got {type(label).__name__}: {shown(label)}.\n"
        "  Pictures and messages call a node by its label.\n  Write Value(2.0, label='x'), or v.label = str(name)."
    )


def no_local_grads(children: Any) -> str:
    return (
        f"Value(data, {shown(children)}) has children without local_grads: their gradient would be lost.\n"
        "  A node passes its adjoint on to its children, times the local derivative by each.\n"
        "  Write Value(data, (a, b), (da, db)), or an expression of a and b."
    )


def wrong_children(children: Any, local_grads: Any) -> str:
    return (
        f"A node was made of the children {shown(children)} and the local_grads {shown(local_grads)}.\n"
        "  The children are a tuple of Values, the local_grads a tuple with a number for each of them.\n"
        "  Write Value(data, (a, b), (da, db)), or Value(2.0, label='x') for a leaf."
    )


def damaged_graph(what: str) -> str:
    return (
        f"This is no graph of Values: {what}.\n"
        "  A pickle lists the nodes, each with its operation and the places of its parents, which stand before it.\n"
        "  Write pickle.dumps(value) again, for a pickle that is whole."
    )


def interior_data(node: Any) -> str:
    return (
        f"The data of an interior node cannot be assigned: {shown(node)} is the result of {node.operation}.\n"
        "  It follows from the parents of the node.\n"
        "  Write leaf.data = ... for a leaf behind it, then compute the expression again."
    )


def compared_by_identity(number: Any) -> str:
    return (
        f"`v == {shown(number)}` compares a node with a number: always False.\n"
        "  Nodes are equal only to themselves, so that they can be keys.\n"
        f"  Write autograd.equal(v, {shown(number)}), or autograd.not_equal(v, {shown(number)}) for `!=`."
    )


def compared_in_a_trace(operator: str, line: str) -> str:
    function = "equal" if operator == "==" else "not_equal"
    return (
        f"`{operator}` was used in a function that is traced, at {line}.\n"
        "  Of nodes it is about identity, of numbers about their value, and a branch would be taken once and for all.\n"
        f"  Write autograd.{function}(a, b) for a {operator} b, and autograd.where(autograd.{function}(a, b), c, d)"
        f" for c if a {operator} b else d."
    )


def inverted(condition: int) -> str:
    return (
        f"A condition is {condition}, which is what `~` makes of {condition == -2}.\n"
        "  Of a bool, `~` is the complement of a whole number, and holds whatever the bool was.\n"
        "  Write autograd.logical_not(condition) for ~condition; of a number n that is meant as such, n != 0."
    )


def numpy_in_a_trace(function: str, line: str) -> str:
    return (
        f"numpy.{function} was given a placeholder of a function that is traced, at {line}.\n"
        "  It computes with the numbers in arrays, which a placeholder does not have.\n"
        "  Write autograd.where(c, a, b) for numpy.where(c, a, b), autograd.maximum(a, b) for numpy.maximum(a, b)."
    )


def trace_has_ended(name: str, line: str) -> str:
    return (
        f"{name} was used after the trace that made it had ended, at {line}.\n"
        "  It stood for a number while the function was traced, and was kept beyond that; it has no number.\n"
        "  Write return [result, kept] in the function, and take the second one from what it returns."
    )


def wrong_count(name: str, forward: Callable[..., Any], operands: int) -> str:
    names = names_of_operands(forward)
    return (
        f"{name} was given {operands} operand{'s' * (operands != 1)}.\n"
        f"  It takes {len(names)}: {', '.join(names)}.\n  Write {name}({', '.join(names)})."
    )


def wrong_derivative(name: str, found: str, operands: int) -> str:
    return (
        f"The derivative of {name} {found} for {operands} operand(s).\n"
        "  It takes the result and the operands, and returns a tuple with one partial per operand.\n"
        "  Write lambda out, x: (3 * x * x,) for one operand, lambda out, a, b: (b, a) for two."
    )


def wrong_partial(forward: Callable[..., Any], partial: Any, i: int) -> str:
    name, operands = forward.__name__, names_of_operands(forward)
    by = f"operand {i + 1}" + (f", {operands[i]}" if i < len(operands) else "")
    others = ["0.0" if k == i else "..." for k in range(len(operands))]
    tuple_ = f"({', '.join(others)},)" if len(others) == 1 else f"({', '.join(others)})"
    return (
        f"The derivative of {name} returned {shown(partial)} as its partial by {by}.\n"
        "  Each partial d out / d operand is a real number; at higher orders, where the operands are Values, a Value.\n"
        f"  Write return {tuple_}, if {name} does not depend on it."
    )


def not_differentiable_again(name: str, error: Exception) -> str:
    return (
        f"The derivative of {name} cannot be differentiated again: {on_one_line(str(error).partition(chr(10))[0])}\n"
        "  Higher derivatives run it on Values.\n"
        "  Write it with the engine's functions: autograd.exp(x), not math.exp(x)."
    )


def no_function(f: Any) -> str:
    return (
        f"A derivative was asked of {shown(f)}, which is no function.\n"
        "  It runs a function on fresh nodes; a node knows its own derivatives.\n"
        "  Write grad(lambda x: x * x)(2.0), or of a node loss: loss.backward(), then x.grad."
    )


def several_results(result: Any) -> str:
    return (
        f"grad needs a function that returns one number, got {type(result).__name__}.\n"
        "  A gradient belongs to one number; of several results each has its own.\n"
        "  Write autograd.jacobian(f) for all of them, or return autograd.sum(results)."
    )


def wrong_tangents(given: int, wanted: int) -> str:
    return (
        f"jvp needs one tangent for each input, got {given} for {wanted} inputs.\n"
        "  The tangents are a direction, with a number for each input.\n"
        "  Write them in the shape of the inputs: jvp(f, [2.0, 3.0], [1.0, 0.0])."
    )


def no_such_argument(argnums: Any, arguments: int) -> str:
    return (
        f"argnums={shown(argnums)} names no argument: f was called with {arguments}.\n"
        "  It is the place of an argument, counted from 0, or a tuple of places.\n"
        "  Write grad(f, argnums=0)(x) for the derivative by the first."
    )


def names_of_operands(function: Callable[..., Any]) -> list[str]:
    """As the function calls them; x for one in C that does not tell."""
    import inspect  # imported here, so that `import autograd` stays instant

    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return ["x"]
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many operands; False for one in C that does not tell."""
    import inspect

    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def rejects(function: Callable[..., Any], count: int) -> bool:
    """Whether it says that it cannot be called with so many operands."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(*range(count))
    except TypeError:
        return True
    return False
