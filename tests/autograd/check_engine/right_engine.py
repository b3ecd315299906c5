"""A right engine. The tests break it by replacing one of its lines."""

import math


class Value:
    def __init__(self, data, _children=()):
        self.data = data
        self.grad = 0.0
        self._prev = tuple(_children)
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __sub__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data - other.data, (self, other))

        def subtract_backward():
            self.grad += 1 * out.grad
            other.grad += -1 * out.grad

        out._backward = subtract_backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def multiply_backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = multiply_backward
        return out

    def __truediv__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data / other.data, (self, other))

        def divide_backward():
            self.grad += out.grad / other.data
            other.grad += -self.data / other.data**2 * out.grad

        out._backward = divide_backward
        return out

    def __pow__(self, exponent):
        assert isinstance(exponent, (int, float))
        out = Value(self.data**exponent, (self,))

        def power_backward():
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out._backward = power_backward
        return out

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __rsub__(self, other):
        return Value(other) - self

    def __rmul__(self, other):
        return self * other

    def __rtruediv__(self, other):
        return Value(other) / self

    def __lt__(self, other):
        return self.data < (other.data if isinstance(other, Value) else other)

    def relu(self):
        out = Value(max(0, self.data), (self,))

        def relu_backward():
            self.grad += (out.data > 0) * out.grad

        out._backward = relu_backward
        return out

    def tanh(self):
        out = Value(math.tanh(self.data), (self,))

        def tanh_backward():
            self.grad += (1 - out.data**2) * out.grad

        out._backward = tanh_backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def exp_backward():
            self.grad += out.data * out.grad

        out._backward = exp_backward
        return out

    def zero_grad(self):
        self.grad = 0.0

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in node._prev)
        for node in order:
            if node._prev:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
