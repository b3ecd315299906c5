"""Derivatives of functions: grad, value_and_grad, jacobian, hessian, jvp, hvp.

Each runs the function, of numbers or sequences of numbers, once on fresh nodes and then walks the recorded graph with
adjoints (or tangents) of its own: nobody's `.grad` is touched. The walk runs on floats; inside of another derivative,
or when an argument is a Value, the same rules run on Values, and the result is one. So derivatives nest:

>>> grad(lambda x: x * grad(lambda y: x * y)(1.0))(2.0)
4.0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autograd import messages, modes, operations
from autograd.dispatch import as_float
from autograd.graph import interior_order, selected
from autograd.structure import flat, fresh_nodes, gathered, is_sequence, like
from autograd.value import Value, new_node, to_node

_differentiating: ContextVar[bool] = ContextVar("differentiating", default=False)


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns df/dx at its arguments, for the argument (or the tuple of arguments) `argnums`.

    A number for a number, a list for a sequence, a tuple of these when `argnums` is a tuple.

    >>> grad(lambda xs: xs[0] * xs[1])([2.0, 3.0])
    [3.0, 2.0]

    Raises TypeError when f does not return one number.
    """
    return lambda *args, **kwargs: value_and_grad(f, argnums)(*args, **kwargs)[1]


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., tuple[Any, Any]]:
    """The function that returns (f, df/dx) at its arguments; see `grad`.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with _recorded(f, args, kwargs, argnums) as (result, inputs, again):
            if is_sequence(result):
                raise TypeError(messages.several_results(result))
            output = to_node(result)
            gradient = like(inputs, iter(_pull_back(output, flat(inputs), again)))
        return output if again else output.data, tuple(gradient) if isinstance(argnums, tuple) else gradient[0]

    return value_and_gradient


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns all df_i/dx_j: a row for each result of f, by one backward pass each; see `grad`.

    >>> jacobian(lambda xs: [xs[0] * xs[1], xs[0]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 0.0]]
    """

    def rows(*args: Any, **kwargs: Any) -> Any:
        with _recorded(f, args, kwargs, argnums) as (result, inputs, again):
            outputs = [to_node(output) for output in flat(result)]
            gradients = [like(inputs, iter(_pull_back(output, flat(inputs), again))) for output in outputs]
        blocks = tuple(like(result, (gradient[i] for gradient in gradients)) for i in range(len(inputs)))
        return blocks if isinstance(argnums, tuple) else blocks[0]

    return rows


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that returns all d^2 f / dx_i dx_j as a list of lists; a number for a number; see `grad`.

    >>> hessian(lambda xs: xs[0] ** 2 * xs[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    rows = jacobian(grad(f, argnums), argnums)
    return (lambda *args, **kwargs: tuple(zip(*rows(*args, **kwargs)))) if isinstance(argnums, tuple) else rows


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """(f(x), J v): the value at `primals` x and the derivative in the direction `tangents` v, in one forward sweep.

    A tuple holds the arguments of f; anything else is its only argument. `tangents` has the shape of `primals`.

    >>> jvp(lambda xs: [xs[0] * xs[1], xs[0]], [2.0, 3.0], [1.0, 10.0])
    ([6.0, 2.0], [23.0, 1.0])

    It costs a constant times f, whatever the number of inputs. Raises ValueError when the lengths differ.
    """
    args = primals if isinstance(primals, tuple) else (primals,)
    with _recorded(f, args, {}, tuple(range(len(args))), also=tangents) as (result, inputs, again):
        nodes = flat(inputs)
        directions = [tangent if hasattr(tangent, "_apply") else as_float(tangent) for tangent in flat(tangents)]
        if len(nodes) != len(directions):
            raise ValueError(messages.wrong_tangents(len(directions), len(nodes)))
        outputs = [to_node(output) for output in flat(result)]
        pushed = _push_forward(outputs, dict(zip(nodes, directions)), again)
        values = outputs if again else [output.data for output in outputs]
        return like(result, iter(values)), like(result, iter(pushed))


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """H v: the Hessian of f at `primals` times `tangents`, by a forward sweep over the gradient; see `jvp`.

    >>> hvp(lambda xs: xs[0] ** 2 * xs[1], [2.0, 3.0], [1.0, 0.0])
    [6.0, 4.0]
    """
    argnums = tuple(range(len(primals))) if isinstance(primals, tuple) else 0
    return jvp(grad(f, argnums), primals, tangents)[1]


@contextmanager
def _recorded(
    f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Any, also: Any = ()
) -> Iterator[tuple[Any, list[Any], bool]]:
    """f's result on fresh nodes in place of the arguments `argnums`; these nodes; and whether it is to nest."""
    if not callable(f):
        raise TypeError(messages.no_function(f))
    args = gathered(args)
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in chosen:
        if not hasattr(i, "__index__") or not -len(args) <= i < len(args):
            raise TypeError(messages.no_such_argument(argnums, len(args)))
    again = _differentiating.get() or any(type(x) is Value for x in flat([args, list(kwargs.values()), also]))
    inside = _differentiating.set(True)
    try:
        with modes.set_to(modes.recording, True):
            fresh = list(args)
            for i in chosen:
                fresh[i] = fresh_nodes(args[i])
            yield gathered(f(*fresh, **kwargs)), [fresh[i] for i in chosen], again
    finally:
        _differentiating.reset(inside)


def _pull_back(output: Value, inputs: list[Value], again: bool) -> list[Any]:
    """d output / d each input by one backward pass over the nodes that lie between."""
    modes.watch.get().backward(output, 1.0)
    order = interior_order(output, inputs)
    between = _reached(order, inputs)
    adjoints: dict[Value, Any] = {output: 1.0}
    for node in reversed(order):
        if node not in between or node not in adjoints:  # none of its children passed anything on
            continue
        adjoint = adjoints.pop(node)
        for parent, partial in selected(node, _partials(node, again)):
            if parent in between:
                message = adjoint * partial
                adjoints[parent] = adjoints[parent] + message if parent in adjoints else message
    return [to_node(adjoints.get(x, 0.0)) if again else float(adjoints.get(x, 0.0)) for x in inputs]


def _push_forward(outputs: list[Value], tangents: dict[Value, Any], again: bool) -> list[Any]:
    """The tangent of each output by one forward sweep: v_dot = sum over the parents p of v of dv/dp * p_dot."""
    order = interior_order(new_node(0.0, operations.logsumexp, outputs), list(tangents))[:-1]  # any operation does
    # A plain 0.0 is no direction: nothing moves with it, and 0 * inf is not to come of it.
    tangents = {node: tangent for node, tangent in tangents.items() if type(tangent) is not float or tangent != 0.0}
    between = _reached(order, tangents)
    for node in order:
        if node in between:
            pairs = selected(node, _partials(node, again))
            terms = [partial * tangents[parent] for parent, partial in pairs if parent in tangents]
            if terms:
                tangents[node] = operations.total(terms)
    return [to_node(tangents.get(x, 0.0)) if again else float(tangents.get(x, 0.0)) for x in outputs]


def _reached(order: list[Value], inputs: Iterable[Value]) -> set[Value]:
    """The inputs and the nodes that depend on them."""
    reached = set(inputs)
    for node in order:
        if any(parent in reached for parent in node.parents):
            reached.add(node)
    return reached


def _partials(node: Value, again: bool) -> tuple[Any, ...]:
    """The node's local derivatives: floats, or Values when they are to be differentiated again."""
    operation: Any = node.operation
    if not again:
        return operation.partials(node.data, [parent.data for parent in node.parents])  # type: ignore[no-any-return]
    token = modes.following_ieee.set(True)
    try:
        return operation.partials(node, node.parents)  # type: ignore[no-any-return]
    except TypeError as error:
        raise TypeError(messages.not_differentiable_again(operation.name, error)) from error
    finally:
        modes.following_ieee.reset(token)
