"""The class Value that programs in the style of microgpt bring along, here as what ours is measured against.

Written for `microgpt.py` and no more; quotient and power are those of Python, so that its digits are ours.
"""

from __future__ import annotations

import math


class Value:
    __slots__ = ("data", "grad", "_children", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad, self._children, self._local_grads = data, 0.0, children, local_grads

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = self.data / other.data
        return Value(out, (self, other), (1 / other.data, -out / other.data))

    def __sub__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self): return Value(-self.data, (self,), (-1.0,))  # fmt: skip

    def __pow__(self, k): return Value(self.data**k, (self,), (k * self.data ** (k - 1),))  # fmt: skip

    def exp(self): return Value(e := math.exp(self.data), (self,), (e,))  # fmt: skip

    def log(self): return Value(math.log(self.data), (self,), (1 / self.data,))  # fmt: skip

    def relu(self): return Value(max(0.0, self.data), (self,), (float(self.data > 0),))  # fmt: skip

    def backward(self):
        order, visited = [], set()

        def visit(node):
            if node not in visited:
                visited.add(node)
                for child in node._children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local in zip(node._children, node._local_grads):
                child.grad += local * node.grad
