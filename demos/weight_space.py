"""Weight space: the loss surface of a model with two weights, and the way that gradient descent takes on it.

    python -m demos.weight_space [--plot FILE] [--small]

The model is y = w x + b, on six points with targets t = -1 or 1; a point is right where y has the sign of t. The cost
is the average over the points of
    squared error   1/2 (y - t)^2        gradient: average of (y - t) x and of y - t
    0-1 loss        0 if y t > 0, else 1
so every pair (w, b) is a point of the plane and the cost is its height (lecture 002, "Recap: Gradient Descent").

1. Gradient descent on the squared error, beside the direct solution: the normal equations, solved by Cramer's rule.
2. The learning rate eta. Along an axis of the bowl with curvature c, an eigenvalue of the Hessian, every step
   multiplies the distance to the minimum by 1 - eta c: the path zigzags for eta c > 1 and leaves for eta c > 2.
3. Squared error against 0-1 loss, two of the choices of lecture 002, "Design choices so far": the 0-1 loss is what one
   wants and has no slope to go down by; the squared error has one, and is least where a point may still be wrong.

The lecture draws this without numbers; the points are this demo's own.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import autograd
import nn
from autograd import Value, grad, hessian, where

X, T = (-2.5, -1.5, -0.5, 0.5, 1.5, 8.5), (-1.0, -1.0, -1.0, 1.0, 1.0, 1.0)
START, ETA, STEPS = (-0.8, 1.0), 0.1, 300
RATES, NEAR = (0.01, 0.05, 0.1, 0.13, 0.134, 0.14, 0.15), 1e-6


class Step(NamedTuple):
    w: float
    b: float
    cost: float
    dw: float
    db: float


def squared_error(w: Any, b: Any) -> Any:
    """The average of 1/2 (w x + b - t)^2."""
    return nn.squared_error([w * x + b for x in X], T) / len(X)


def zero_one(w: Any, b: Any) -> Any:
    """The fraction of the points for which w x + b has not the sign of t."""
    return autograd.sum(where((w * x + b) * t > 0, 0.0, 1.0) for x, t in zip(X, T)) / len(X)


def descend(eta: float, steps: int, start: tuple[float, float] = START) -> list[Step]:
    """Every place of the path, from the start to after the last step, with the engine's gradient there."""
    w, b = Value(start[0], "w"), Value(start[1], "b")
    optimizer, path = nn.SGD([w, b], lr=eta), []
    for _ in range(steps + 1):
        optimizer.zero_grad()
        cost = squared_error(w, b)
        cost.backward()
        path.append(Step(w.data, b.data, cost.data, w.grad, b.grad))
        optimizer.step()
    return path


def direct_solution(xs: Sequence[float] = X, ts: Sequence[float] = T) -> tuple[float, float]:
    """Where both derivatives are zero: w mean(x^2) + b mean(x) = mean(x t) and w mean(x) + b = mean(t)."""
    n = len(xs)
    mean_x, mean_t = sum(xs) / n, sum(ts) / n
    mean_xx, mean_xt = sum(x * x for x in xs) / n, sum(x * t for x, t in zip(xs, ts)) / n
    determinant = mean_xx - mean_x**2
    return (mean_xt - mean_x * mean_t) / determinant, (mean_xx * mean_t - mean_x * mean_xt) / determinant


def curvatures() -> tuple[float, float]:
    """The eigenvalues of the Hessian of the squared error, the larger one first. It is the same everywhere."""
    (ww, wb), (_, bb) = hessian(lambda p: squared_error(*p))(list(START))
    middle, half = (ww + bb) / 2, math.hypot((ww - bb) / 2, wb)
    return middle + half, middle - half


def distance(place: Step, goal: tuple[float, float]) -> float:
    return math.hypot(place.w - goal[0], place.b - goal[1])


def steps_until_near(eta: float, limit: int) -> int | None:
    """The first step that is within NEAR of the direct solution; None if none of them is."""
    goal = direct_solution()
    return next((k for k, place in enumerate(descend(eta, limit)) if distance(place, goal) <= NEAR), None)


def plot(path: str) -> None:
    import numpy as np

    from demos._picture import MARKERS, STYLES, picture

    goal = direct_solution()
    w, b = np.meshgrid(np.linspace(-1.0, 1.0, 401), np.linspace(-1.0, 1.5, 401))
    bowl = sum(0.5 * (w * x + b - t) ** 2 for x, t in zip(X, T)) / len(X)
    wrong = sum(((w * x + b) * t <= 0).astype(float) for x, t in zip(X, T))
    with picture(path, columns=2) as axes:
        left, right = axes
        lines = left.contour(w, b, bowl, levels=[0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8], colors="0.6", linewidths=0.8)
        left.clabel(lines, fontsize="x-small", colors="0.3")
        for eta, style, marker, colour in zip((0.02, 0.13), STYLES, MARKERS, ("tab:blue", "tab:red")):
            places = descend(eta, 60)
            left.plot(
                [p.w for p in places], [p.b for p in places], style, marker=marker, color=colour, markersize=4,
                fillstyle="none", linewidth=1.2, label=f"gradient descent, $\\eta$ = {eta}",
            )  # fmt: skip
        filled = right.contourf(w, b, wrong, levels=np.arange(-0.5, len(X) + 1), cmap="Greys")
        bar = right.figure.colorbar(filled, ax=right, ticks=range(len(X) + 1))
        bar.set_label("0-1 loss: points on the wrong side, of 6")
        for axis in axes:
            axis.plot(*START, "X", color="black", markeredgecolor="white", markersize=11, linestyle="", label="start")
            axis.plot(*goal, "*", color="black", markeredgecolor="white", markersize=15, linestyle="",
                      label="least squared error")  # fmt: skip
            axis.set(xlabel="weight w", ylabel="bias b", xlim=(-1, 1), ylim=(-1, 1.5))
            axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize="small")


def show_descent(goal: tuple[float, float]) -> None:
    path = descend(ETA, STEPS)
    print(f"1. Gradient descent on the squared error, eta = {ETA}, beside the direct solution\n")
    print(f"   {'step':>8}{'w':>14}{'b':>14}{'cost':>14}{'dcost/dw':>14}{'dcost/db':>14}{'distance':>12}")
    for k in (0, 1, 2, 3, 5, 10, 30, 100, STEPS):
        numbers = "".join(f"{round(number, 9) + 0.0:14.9f}" for number in path[k])
        print(f"   {k:8}{numbers}{distance(path[k], goal):12.1e}")
    numbers = "".join(f"{number:14.9f}" for number in (*goal, squared_error(*goal)))
    print(f"   {'direct':>8}{numbers}\n")


def show_rates(goal: tuple[float, float]) -> None:
    large, small = curvatures()
    print("2. The learning rate", end="")
    print(f": curvatures {large:.4f} and {small:.4f}; the limit is 2 / {large:.4f} = {2 / large:.4f}.\n")
    names = [f"1 - eta {curvature:.2f}" for curvature in (large, small)]
    print(f"   {'eta':>8}{names[0]:>16}{names[1]:>16}   steps to within {NEAR:g} of the minimum")
    for eta in RATES:
        steps = steps_until_near(eta, 2000)
        far = f"never: after 60 steps it is {distance(descend(eta, 60)[-1], goal):.0f} away"
        print(f"   {eta:8.3f}{1 - eta * large:16.4f}{1 - eta * small:16.4f}   {far if steps is None else steps}")
    print(
        f"\n   Best is 2 / ({large:.4f} + {small:.4f}) = {2 / (large + small):.4f}: both factors equally far from 0.\n"
    )


def show_losses(goal: tuple[float, float]) -> None:
    print("3. Squared error against 0-1 loss: costs, and the engine's gradients\n")
    print(f"   {'':22}{'w':>8}{'b':>8}{'squared':>10}{'gradient':>20}{'wrong':>9}{'gradient':>14}")
    for name, (w, b) in (("start", START), ("least squared error", goal), ("all points right", (1.0, 0.0))):
        slopes = "({:8.4f}, {:7.4f})".format(*grad(squared_error, argnums=(0, 1))(w, b))
        flat = "({:g}, {:g})".format(*grad(zero_one, argnums=(0, 1))(w, b))
        wrong = f"{round(zero_one(w, b) * len(X))} of {len(X)}"
        print(f"   {name:22}{w:8.4f}{b:8.4f}{squared_error(w, b):10.4f}{slopes:>20}{wrong:>9}{flat:>14}")
    w, b = goal
    print("\n   The 0-1 loss is flat wherever it has a derivative: gradient descent on it stays at the start.")
    print(f"   The least squared error leaves a point wrong: y = {w * 0.5 + b:.4f} at x = 0.5, where t = 1. The cause")
    print(
        f"   is the point x = 8.5: there y = {w * 8.5 + b:.4f}, right, but above its t = 1, and the error counts that."
    )
    w, b = direct_solution(X[:-1], T[:-1])
    print(
        f"   Without it the least squared error is at w = {w:.4f}, b = {b:.4f}, and y = {w * 0.5 + b:.4f} at x = 0.5."
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.weight_space", description="Gradient descent, on a map.")
    parser.add_argument("--plot", metavar="FILE", help="a picture: contours with the path, and the 0-1 loss")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    options = parser.parse_args(argv)

    goal = direct_solution()
    print(f"The model y = w x + b; x = {X}, t = {tuple(map(int, T))}.\n")
    show_descent(goal)
    show_rates(goal)
    show_losses(goal)
    if options.plot:
        plot(options.plot)


if __name__ == "__main__":
    main()
