"""The multivariate chain rule, by hand and by the engine: where paths meet, their contributions add up.

    python -m demos.chain_rule [--t 0.5] [--small]

1. f(x, y) = y + e^(x y) with x = cos t, y = t^2       (lecture 002, "Multivariate Chain Rule")
2. g(t) = f(t, t, 1) for f(x, y, z) = x^2 + y^3 + z^4  (lecture 004, "Total derivative reminder")
3. d(z1^2 + z2)/dz1 at z = [1.0, -1.0]                 (lecture 004, "Evaluate-at notation")
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd import Value, cos, exp, grad


class Row(NamedTuple):
    """One number, three ways: the formula on plain floats, `backward()`, and `autograd.grad`."""

    name: str
    formula: str
    by_hand: float
    by_backward: float
    by_grad: float


def f_of(x: Any, y: Any) -> Any:
    return y + exp(x * y)


def two_paths(t: float) -> list[Row]:
    """Every adjoint of f(cos t, t^2); t reaches f along two paths, through x and through y."""
    x, y = math.cos(t), t**2
    dx_dt, dy_dt = -math.sin(t), 2 * t
    x_bar, y_bar = y * math.exp(x * y), 1 + x * math.exp(x * y)
    expanded = (y * math.exp(x * y)) * -math.sin(t) + (1 + x * math.exp(x * y)) * 2 * t

    t_node = Value(t, "t")
    x_node, y_node = cos(t_node), t_node**2
    f_node = f_of(x_node, y_node)
    x_node.backward()
    dx_dt_node, t_node.grad = t_node.grad, 0.0  # a leaf adds up until it is set to zero
    y_node.backward()
    dy_dt_node, t_node.grad = t_node.grad, 0.0
    f_node.backward()

    x_bar_grad, y_bar_grad = grad(f_of, argnums=(0, 1))(x, y)
    t_bar_grad = grad(lambda t: f_of(cos(t), t**2))(t)
    return [
        Row("dx/dt", "-sin t", dx_dt, dx_dt_node, grad(cos)(t)),
        Row("dy/dt", "2 t", dy_dt, dy_dt_node, grad(lambda t: t**2)(t)),
        Row("x_bar", "y e^(xy)", x_bar, x_node.grad, x_bar_grad),
        Row("y_bar", "1 + x e^(xy)", y_bar, y_node.grad, y_bar_grad),
        Row("t_bar", "x_bar dx/dt + y_bar dy/dt", x_bar * dx_dt + y_bar * dy_dt, t_node.grad, t_bar_grad),
        Row("df/dt", "(y e^(xy)) (-sin t) + (1 + x e^(xy)) 2t", expanded, t_node.grad, t_bar_grad),
    ]


def total_derivative(t: float) -> list[Row]:
    """dg/dt for g(t) = f(t, t, 1): the same t in two places, and a constant in the third."""

    def g(t: Any) -> Any:
        x, y, z = t, t, 1
        return x**2 + y**3 + z**4

    t_node = Value(t, "t")
    g(t_node).backward()
    return [Row("dg/dt", "2t + 3t^2", 2 * t + 3 * t**2, t_node.grad, grad(g)(t))]


def evaluate_at() -> list[Row]:
    """Both partial derivatives of z1^2 + z2 at z = [1.0, -1.0]: first differentiate, then put the numbers in."""
    z1, z2 = z = [Value(1.0, "z1"), Value(-1.0, "z2")]
    (z1**2 + z2).backward()
    first, second = grad(lambda z: z[0] ** 2 + z[1])([1.0, -1.0])
    return [Row("d/dz1", "2 z1", 2 * z[0].data, z1.grad, first), Row("d/dz2", "1", 1.0, z2.grad, second)]


def column(number: float) -> str:
    return f"{number:14.9f}" if abs(number) < 1e4 else f"{number:14.7e}"


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"{title}\n")
    print(f"    {'':6} {'formula':41} {'by hand':>14} {'backward()':>14} {'grad':>14}")
    for row in rows:
        numbers = " ".join(map(column, (row.by_hand, row.by_backward, row.by_grad)))
        print(f"    {row.name:6} {row.formula:41} {numbers}")
    print()


def largest_difference(rows: Sequence[Row]) -> float:
    """The largest relative difference between the hand's number and the engine's two."""
    pairs = [(row.by_hand, engine) for row in rows for engine in (row.by_backward, row.by_grad)]
    return max(abs(hand - engine) / max(1.0, abs(hand)) for hand, engine in pairs)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.chain_rule", description="The multivariate chain rule.")
    parser.add_argument("--t", type=float, default=0.5, help="where to take the derivatives (default 0.5)")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    t = parser.parse_args(argv).t
    if not math.isfinite(t):
        parser.error(f"t must be a finite number, not {t}")
    try:
        first, second, third = two_paths(t), total_derivative(t), evaluate_at()
    except OverflowError as error:
        parser.error(f"the numbers overflow at t = {t}: {error}")

    show(f"1. f = y + e^(xy), x = cos t = {math.cos(t):.6g}, y = t^2 = {t**2:.6g}, at t = {t}", first)
    along_x, along_y = first[2].by_hand * first[0].by_hand, first[3].by_hand * first[1].by_hand
    print(f"    along t -> x -> f   x_bar dx/dt = {column(along_x)}")
    print(f"    along t -> y -> f   y_bar dy/dt = {column(along_y)}")
    print(f"    both together             t_bar = {column(along_x + along_y)}\n")
    show(f"2. g(t) = f(t, t, 1), f = x^2 + y^3 + z^4, at t = {t}", second)
    show("3. z1^2 + z2 at z = [1.0, -1.0]", third)
    print(f"Largest relative difference between hand and engine: {largest_difference(first + second + third):.1e}")


if __name__ == "__main__":
    main()
