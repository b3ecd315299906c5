"""Value in C, with what it takes from Python: the rows, the slow and rare ways, the errors, and what a node says."""

from __future__ import annotations

from typing import Any

from autograd import modes, operations, value
from autograd._native import core
from autograd.dispatch import as_float
from autograd.node import Node


def watch_backward(root: Any, gradient: Any) -> None:
    modes.watch.get().backward(root, 1.0 if gradient is None else gradient)


def bind() -> tuple[Any, ...]:
    """Value, new_leaf, new_node and to_node of autograd/value.py, in C."""
    Value = core.build(
        operations=operations.OPERATIONS,
        factories={"power": operations.power_of, "leaky_relu": operations.leaky_relu_of},
        leaves={"plain": None, "constant": operations.constant, "detached": operations.detached},
        unusual=modes.unusual,
        apply=value.apply,
        as_float=as_float,
        watch_backward=watch_backward,
        refuse_data=value.refuse_data,
        refuse_backward=value.refuse_backward,
        equal=Node.__eq__,
        compare=value.compare_in_mode,
        read=value.read_in_mode,
        general=value.general_value,
        as_label=value.as_label,
        refuse_node=value.refuse_node,
        refuse_modulus=value.refuse_modulus,
    )
    Value.__doc__ = value.Value.__doc__
    for name in vars(Node).keys() - vars(Value).keys() - {"__slots__", "__annotations__"}:
        setattr(Value, name, vars(Node)[name])  # a base class in Python would make nodes objects of the collector's

    def to_node(operand: Any) -> Any:
        return operand if type(operand) is Value else core.new_leaf(as_float(operand), operations.constant)

    return Value, core.new_leaf, core.new_node, to_node
