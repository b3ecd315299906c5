"""Value, the node: a number that remembers which operation made it from which parents, and can go back.

This is the reference implementation. Operators and methods come from the rows of `operations`; the backward pass is
the multivariate chain rule over a topological order (lecture 002, "Full backpropagation algorithm").
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NoReturn

from autograd import messages, modes, operations
from autograd._native import core
from autograd.dispatch import Operation, as_float
from autograd.graph import interior_order
from autograd.ieee import IEEE
from autograd.modes import unusual
from autograd.node import Node
from autograd.operations import constant


def _unary(operation: Operation) -> Callable[[Value], Any]:
    forward = operation.forward

    def method(self: Value) -> Any:
        try:
            data = forward(self._data)
        except (ArithmeticError, ValueError) as error:
            data = _instead(error, operation, (self,))
        if unusual:
            return _in_mode(data, operation, (self,))
        node = blank()
        node._data = data
        node._grad = 0.0
        node._label = ""
        node._operation = operation
        node._left = self
        node._right = None
        return node

    method.__qualname__ = f"Value.{operation.name}"  # Python's own error for Value.exp(1, 2) names it
    method.__name__, method.__doc__ = operation.name, f"{operation.formula}; derivative: {operation.slope}."
    return method


# _binary repeats the lines of _unary, since a call to a shared function would cost a tenth of building a node.
def _binary(operation: Operation) -> tuple[Callable[[Value, Any], Value], Callable[[Value, Any], Value]]:
    forward = operation.forward

    def method(self: Value, other: Any) -> Any:
        if type(other) is not Value:
            other = _operand(other)
            if other is NotImplemented:
                return other
        try:
            data = forward(self._data, other._data)
        except (ArithmeticError, ValueError) as error:
            data = _instead(error, operation, (self, other))
        if unusual:
            return _in_mode(data, operation, (self, other))
        node = blank()
        node._data = data
        node._grad = 0.0
        node._label = ""
        node._operation = operation
        node._left = self
        node._right = other
        return node

    def reflected(self: Value, other: Any) -> Any:
        other = _operand(other)
        return other if other is NotImplemented else method(other, self)

    return method, reflected


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Any], Any]:
    def method(self: Value, other: Any) -> Any:
        if unusual:
            found = compare_in_mode(self, other, f"__{compare.__name__}__")
            if found is not NotImplemented:
                return found
        other = _operand(other)
        return other if other is NotImplemented else compare(self._data, other._data)

    return method


class Value(Node):
    """A number in a computation graph.

    data       the number, a float; may be assigned on a leaf
    grad       d result / d this node, once `result.backward()` ran; a leaf adds up until it is set to 0.0
    label      a name for pictures and messages, a str
    parents    the operands in order, each as often as it was used: x * x has (x, x); () for a leaf
    operation  the Operation that made it, None for a leaf, `constant` for a plain number in an expression

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> z = x * y + x
    >>> z.backward()
    >>> x
    Value(2.0, grad=4.0, label='x')

    Comparisons go by data, `==` and `hash` by identity. Raises TypeError when data is no real number.
    """

    __slots__ = ("_data", "_grad", "_label", "_operation", "_left", "_right")

    def __init__(self, data: float, label: str = "") -> None:
        self._data = data if type(data) is float else as_float(data)
        self._grad = 0.0
        self._label = ""
        if label:
            self.label = label
        self._operation: Any = None
        self._left: Any = None  # the first parent
        self._right: Any = None  # the second one, or a tuple of all others

    @property
    def data(self) -> float:
        if unusual:
            read_in_mode(self)
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if self._left is not None:
            refuse_data(self)
        self._data = as_float(data)

    @property
    def grad(self) -> float:
        if unusual:
            read_in_mode(self)
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        self._grad = grad

    operation = property(operator.attrgetter("_operation"))
    is_leaf = property(lambda self: self._left is None)

    @property
    def label(self) -> str:
        return self._label

    @label.setter
    def label(self, label: str) -> None:
        self._label = label if type(label) is str else "" if label is None else str(label)

    @property
    def parents(self) -> tuple[Value, ...]:
        if self._left is None:
            return ()
        if self._right is None:
            return (self._left,)
        return (self._left, *self._right) if type(self._right) is tuple else (self._left, self._right)

    def backward(self, gradient: float = 1.0) -> None:
        """Set `.grad` of every node behind this one to d self / d node, times `gradient`; on leaves, add it.

        v_bar = sum over the children c of v of c_bar * dc/dv, children before parents. Interior nodes start from
        zero at every call. Leaves are written together at the end: an error or Ctrl-C leaves them as they were.

        Raises RuntimeError on a result of `no_grad`. Source: lecture 002, "Full backpropagation algorithm".
        """
        if self._operation is operations.detached:
            refuse_backward(self)
        modes.watch.get().backward(self, gradient)
        interior = interior_order(self)
        # Their adjoints until the end. `in` beats leaves.get below: a call costs more than a second look-up.
        leaves: dict[Value, float] = {} if interior else {self: as_float(gradient)}
        for node in interior:
            node._grad = 0.0
        if interior:
            self._grad = as_float(gradient)
        for node in reversed(interior):
            adjoint, derivative = node._grad, node._operation.derivative
            left, right = node._left, node._right
            if type(right) is Value:
                try:
                    slopes = (
                        derivative if type(derivative) is tuple else derivative(node._data, left._data, right._data)
                    )
                    partial, other = slopes
                except (ArithmeticError, ValueError, TypeError):
                    partial, other = node._operation.partials(node._data, (left._data, right._data))
                if left._left is None:
                    leaves[left] = leaves[left] + adjoint * partial if left in leaves else adjoint * partial
                else:
                    left._grad += adjoint * partial
                if right._left is None:
                    leaves[right] = leaves[right] + adjoint * other if right in leaves else adjoint * other
                else:
                    right._grad += adjoint * other
            elif right is None:
                try:
                    (partial,) = derivative if type(derivative) is tuple else derivative(node._data, left._data)
                except (ArithmeticError, ValueError, TypeError):
                    (partial,) = node._operation.partials(node._data, (left._data,))
                if left._left is None:
                    leaves[left] = leaves[left] + adjoint * partial if left in leaves else adjoint * partial
                else:
                    left._grad += adjoint * partial
            else:
                partials = node._operation.partials(node._data, [parent._data for parent in node.parents])
                for parent, partial in zip(node.parents, partials):
                    if parent._left is None:
                        leaves[parent] = leaves[parent] + adjoint * partial if parent in leaves else adjoint * partial
                    else:
                        parent._grad += adjoint * partial
        _add_to_grad(leaves)

    __add__, __radd__ = _binary(operations.add)
    __sub__, __rsub__ = _binary(operations.subtract)
    __mul__, __rmul__ = _binary(operations.multiply)
    __truediv__, __rtruediv__ = _binary(operations.divide)
    _to_the_power, __rpow__ = _binary(operations.power)
    __neg__, __abs__ = _unary(operations.negative), _unary(operations.absolute)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Value]: ...  # exp, tanh, ...: attached below, from the table

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) is Value:
            return self._to_the_power(exponent)
        number = _operand(exponent)
        return number if number is NotImplemented else _parametrised(operations.power_of(number._data))(self)

    def __bool__(self) -> bool:
        if unusual:
            read_in_mode(self)
        return self._data != 0

    def __pos__(self) -> Value:
        return self

    def leaky_relu(self, slope: float = 0.01) -> Any:
        """x for x > 0, else slope x."""
        return _parametrised(operations.leaky_relu_of(as_float(slope)))(self)

    def _stop_gradient(self) -> Value:
        return Value(self._data, self.label)

    @staticmethod
    def _apply(operation: Operation, operands: Sequence[Any]) -> Value:
        return apply(operation, operands)


def apply(operation: Operation, operands: Sequence[Any]) -> Value:
    """The node for any operation on any operands: what module functions and custom operations come to."""
    try:
        nodes = [to_node(operand) for operand in operands]
    except TypeError:
        for operand in operands:
            if hasattr(operand, "_where"):  # the placeholder of a trace: it writes the operation down
                return operand._apply(operation, operands)  # type: ignore[no-any-return]
        raise
    try:
        data = as_float(operation.forward(*[node._data for node in nodes]))
    except (ArithmeticError, ValueError, TypeError) as error:
        data = _instead(error, operation, nodes)
    return _in_mode(data, operation, nodes)


blank: Any = partial(object.__new__, Value)
_parametrised = lru_cache(maxsize=1024)(_unary)

for _operation in operations.OPERATIONS.values():
    if len(_operation.example) == 2 and not hasattr(Value, _operation.name):  # one operand and its result
        setattr(Value, _operation.name, _unary(_operation))


def _add_to_grad(adjoints: dict[Value, float]) -> None:
    """leaf.grad += adjoint for all leaves, or for none.

    What can fail, fails before the first leaf is written. CPython lets Ctrl-C and other threads in between two rounds
    of a loop, never into a round that calls nothing: no sum is lost, and after an interrupt the second loop takes up
    where the first one stopped. (A lock would stay locked when Ctrl-C comes at the end of its `with`.)
    """
    for leaf in [leaf for leaf in adjoints if type(leaf._grad) is not float]:
        leaf._grad = as_float(leaf._grad)
    for leaf in [leaf for leaf in adjoints if leaf._operation is constant]:
        del adjoints[leaf]
    items = iter(adjoints.items())
    try:
        for leaf, adjoint in items: leaf._grad += adjoint  # noqa: E701  # fmt: skip
    finally:
        for leaf, adjoint in items: leaf._grad += adjoint  # noqa: E701  # fmt: skip


def new_leaf(data: float, operation: Operation | None = None, grad: float = 0.0, label: str = "") -> Value:
    node = Value(data, label)
    node._grad = grad
    node._operation = operation
    return node


def new_node(data: float, operation: Operation, parents: Sequence[Value]) -> Value:
    node = new_leaf(data, operation)
    node._left, *others = parents
    node._right = None if not others else others[0] if len(others) == 1 else tuple(others)
    return node


def to_node(operand: Any) -> Value:
    if type(operand) is not Value:
        operand = Value(operand)
        operand._operation = constant
    return operand  # type: ignore[no-any-return]


def _operand(other: Any) -> Any:
    """The other operand as a node, or NotImplemented, so that its own type may have a say."""
    try:
        return to_node(other)
    except TypeError:
        return NotImplemented


def _in_mode(data: float, operation: Operation, parents: Sequence[Value]) -> Value:
    """The node of a result, or a leaf inside of no_grad."""
    operation = modes.watch.get().forward(data, operation, parents)
    return new_node(data, operation, parents) if modes.recording.get() else new_leaf(data, operations.detached)


def _instead(error: Exception, operation: Operation, operands: Sequence[Value]) -> float:
    """The number in place of a failed forward: IEEE's inside of a partial, else the error, with names in it."""
    numbers = [node._data for node in operands]
    if modes.following_ieee.get() and not isinstance(error, TypeError):
        return float(IEEE._apply(operation, numbers))
    raise operation.explain(error, numbers, operands) from None


def compare_in_mode(value: Value, other: Any, name: str) -> Any:
    """A comparison while a function is traced is a step of the trace; else NotImplemented."""
    tape = modes.tracing.get()
    return NotImplemented if tape is None else getattr(tape.placeholder(value), name)(other)


def read_in_mode(value: Value) -> None:
    """Raises TracingError where a function that is traced takes the number of a captured Value once and for all."""
    if modes.tracing.get() is not None:
        bool(modes.tracing.get().placeholder(value))


def refuse_data(node: Value) -> NoReturn:
    raise AttributeError(messages.interior_data(node))


def refuse_backward(node: Value) -> NoReturn:
    raise RuntimeError(messages.NOT_RECORDED.format(call="backward()"))


if not TYPE_CHECKING and core is not None:
    # The same contract in C. From here on this module's names are those of the faster engine.
    from autograd._native.binding import bind

    Value, new_leaf, new_node, to_node = bind()
