"""L2-regularised regression: lecture 002's backward pass adjoint by adjoint, then ridge regression on real rows.

    python -m demos.regularized_regression [--seed 0] [--small] [--plot FILE]

1. z = w x + b, y = sigmoid(z), L = 1/2 (y - t)^2, R = 1/2 w^2, L_reg = L + lambda R: first the derivatives of L "as in
   calculus class", then every adjoint of L_reg (lecture 002, "univariate logistic least squares regression").
2. Ridge regression on scikit-learn's diabetes rows by the engine's gradients, beside the closed-form solution.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import Value, dot, grad, sigmoid

X, T, W, B, LAMBDA = 2.0, 1.0, 0.6, -0.4, 0.1
LAMBDAS, LAMBDAS_SMALL = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), (0.0, 0.03, 0.3, 3.0)


def calculus_class() -> dict[str, float]:
    """The closed forms of dL/dw and dL/db written out, beside the engine and, as a judge, a difference quotient."""

    def loss(w: Any, b: Any) -> Any:
        return 0.5 * (sigmoid(w * X + b) - T) ** 2

    y, h = 1 / (1 + math.exp(-(W * X + B))), 1e-5
    dw, db = grad(loss, argnums=(0, 1))(W, B)
    return {
        "z": W * X + B, "y": y, "residual": y - T, "slope": y * (1 - y),
        "dL/dw": (y - T) * (y * (1 - y)) * X, "dL/dw, engine": dw,
        "dL/db": (y - T) * (y * (1 - y)), "dL/db, engine": db,
        "dL/db, lecture": (y - T) * (y * (1 - y)) * X,
        "dL/db, quotient": (loss(W, B + h) - loss(W, B - h)) / (2 * h),
    }  # fmt: skip


def backward_pass() -> list[tuple[str, str, float, float]]:
    """(name, formula, by hand, engine) for every adjoint, in the lecture's order."""
    w, b = Value(W, "w"), Value(B, "b")
    z = w * X + b
    y = sigmoid(z)
    loss, penalty = 0.5 * (y - T) ** 2, 0.5 * w**2
    regularised = loss + LAMBDA * penalty
    regularised.backward()

    y_number = 1 / (1 + math.exp(-(W * X + B)))
    l_reg_bar = 1.0
    r_bar = l_reg_bar * LAMBDA
    l_bar = l_reg_bar
    y_bar = l_bar * (y_number - T)
    z_bar = y_bar * (y_number * (1 - y_number))
    return [
        ("L_reg_bar", "1", l_reg_bar, regularised.grad),
        ("R_bar", "L_reg_bar lambda", r_bar, penalty.grad),
        ("L_bar", "L_reg_bar", l_bar, loss.grad),
        ("y_bar", "L_bar (y - t)", y_bar, y.grad),
        ("z_bar", "y_bar sigma'(z)", z_bar, z.grad),
        ("w_bar", "z_bar x + R_bar w", z_bar * X + r_bar * W, w.grad),
        ("b_bar", "z_bar", z_bar, b.grad),
    ]


class Rows(NamedTuple):
    names: list[str]
    x: np.ndarray
    t: np.ndarray


def diabetes(rows: int, seed: int) -> tuple[Rows, Rows]:
    """`rows` rows to train on, drawn by `seed`, and those held out; features standardised by the training rows."""
    try:
        from sklearn.datasets import load_diabetes  # type: ignore[import-untyped]
    except ImportError:
        raise SystemExit("The rows come with scikit-learn. Install it:  pip install scikit-learn") from None
    data = load_diabetes(scaled=False)
    order = np.random.default_rng(seed).permutation(len(data.target))
    mean, deviation = data.data[order[:rows]].mean(axis=0), data.data[order[:rows]].std(axis=0)
    x, names = (data.data - mean) / deviation, list(data.feature_names)
    train, held_out = (Rows(names, x[which], data.target[which]) for which in (order[:rows], order[rows:]))
    return train, held_out


def objective(parameters: Sequence[Any], x: list[list[float]], t: list[float], lam: float) -> Any:
    """E = mean of 1/2 (y - t)^2 + lambda 1/2 ||w||^2; the bias, last of the parameters, is not penalised."""
    *w, b = parameters
    predictions = [dot(w, row) + b for row in x]
    return nn.squared_error(predictions, t) / len(t) + lam * nn.l2_penalty(w)


def fit(train: Rows, lam: float) -> np.ndarray:
    """The minimum of E, by conjugate gradients: each direction d keeps what the steps before it have gained.

    E is quadratic, so its gradient g is linear: the gradient at p + d says how g changes along d, and so how far
    to go. Without rounding, as many steps as there are parameters would do.
    """
    gradient = partial(grad(objective), x=train.x.tolist(), t=train.t.tolist(), lam=lam)
    p = np.zeros(len(train.names) + 1)
    g = np.array(gradient(p.tolist()))
    d, small = -g, 1e-13 * np.linalg.norm(g)
    for _ in range(5 * len(p)):
        if np.linalg.norm(g) <= small:
            break
        change = np.array(gradient((p + d).tolist())) - g
        p = p - (g @ d) / (change @ d) * d
        before, g = g, np.array(gradient(p.tolist()))
        d = -g + (g @ g) / (before @ before) * d
    return p


def closed_form(train: Rows, lam: float) -> np.ndarray:
    """The solution of (A^T A / n + lambda D) p = A^T t / n: A is x and a column of ones, which D does not penalise."""
    a = np.column_stack([train.x, np.ones(len(train.t))])
    d = np.diag([1.0] * len(train.names) + [0.0])
    return np.linalg.solve(a.T @ a / len(a) + lam * d, a.T @ train.t / len(a))


class Fit(NamedTuple):
    lam: float
    parameters: np.ndarray
    difference: float  # the largest in any weight, to the closed form
    train: float  # errors: roots of the mean squared error, in the target's units
    held_out: float


def path(train: Rows, held_out: Rows, lambdas: Sequence[float]) -> Iterator[Fit]:
    """How the solution moves with lambda."""
    for lam in lambdas:
        p = fit(train, lam)
        errors = [float(np.sqrt(np.mean((x @ p[:-1] + p[-1] - t) ** 2))) for _, x, t in (train, held_out)]
        yield Fit(lam, p, float(np.max(np.abs(p - closed_form(train, lam)))), *errors)


def show_lecture() -> None:
    c = calculus_class()
    print(f"1. One sigmoid unit: x = {X:g}, t = {T:g}, w = {W:g}, b = {B:g}, lambda = {LAMBDA:g}\n")
    print(f"   z = w x + b = {c['z']:.6f}, y = sigma(z) = {c['y']:.6f}")
    print(f"   y - t = {c['residual']:.6f}, sigma'(z) = y (1 - y) = {c['slope']:.6f}\n")
    print("   As in calculus class:                                      by hand     engine")
    product = f"{c['residual']:.6f} * {c['slope']:.6f}"
    print(f"   dL/dw = (y - t) sigma'(z) x = {product} * {X:g}  {c['dL/dw']:9.6f}  {c['dL/dw, engine']:9.6f}")
    print(f"   dL/db = (y - t) sigma'(z)   = {product}      {c['dL/db']:9.6f}  {c['dL/db, engine']:9.6f}\n")
    print("   The lecture's last line for dL/db has a factor x too many:")
    print(f"   (y - t) sigma'(z) x = {product} * {X:g} = {c['dL/db, lecture']:.6f}.")
    print("   But z = w x + b gives dz/db = 1, not x; so says the engine, and so does a judge without calculus:")
    print(f"   (L(b + h) - L(b - h)) / 2h = {c['dL/db, quotient']:.6f} for h = 1e-5. The line without x is right.\n")
    print("   Structured, every adjoint of L_reg:    by hand     engine")
    for name, formula, by_hand, engine in backward_pass():
        print(f"   {name:10} = {formula:22} {by_hand:10.6f} {engine:10.6f}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.regularized_regression", description="L2 regularisation.")
    parser.add_argument("--seed", type=int, default=0, help="draws the training rows (default 0)")
    parser.add_argument("--small", action="store_true", help="60 rows to train on instead of 300, fewer lambdas")
    parser.add_argument("--plot", metavar="FILE", help="draw the weights and the errors over lambda")
    options = parser.parse_args(argv)
    show_lecture()

    train, held_out = diabetes(60 if options.small else 300, options.seed)
    sizes = f"{len(train.t)} rows to train on, {len(held_out.t)} held out"
    print(f"\n2. Ridge regression on the diabetes rows: {sizes}, seed {options.seed}\n")
    print("   E = mean of 1/2 (y - t)^2 + lambda 1/2 ||w||^2 with y = w . x + b; the bias b is not penalised.")
    print("   'train' and 'held out' are roots of the mean squared error; 'off by' is the largest difference")
    print("   between a weight and its closed-form solution.\n")
    names = "".join(f"{name:>7}" for name in [*train.names, "b"])
    print(f"   lambda  ||w|| {names}   train  held out   off by")
    fits = []
    for row in path(train, held_out, LAMBDAS_SMALL if options.small else LAMBDAS):
        fits.append(row)
        numbers = "".join(f"{number:7.1f}" for number in row.parameters)
        size = np.linalg.norm(row.parameters[:-1])
        print(f"   {row.lam:6g} {size:6.1f} {numbers} {row.train:7.2f} {row.held_out:9.2f}  {row.difference:.1e}")
    best = min(fits, key=lambda row: row.held_out)
    print(f"\n   Best on the held-out rows: lambda = {best.lam:g}, error {best.held_out:.2f}", end=" ")
    print(f"({fits[0].held_out:.2f} without a penalty).")
    print(f"   Largest difference to the closed form in any weight: {max(row.difference for row in fits):.1e}")
    if options.plot:
        plot(options.plot, train.names, fits)


def plot(path: str, names: Sequence[str], fits: Sequence[Fit]) -> None:
    from demos._picture import MARKERS, STYLES, picture

    lambdas = [row.lam for row in fits]
    with picture(path, columns=2) as (weights, errors):
        for i, name in enumerate(names):
            style = MARKERS[i % len(MARKERS)] + STYLES[i % len(STYLES)]
            weights.plot(lambdas, [row.parameters[i] for row in fits], style, markersize=4, label=name)
        weights.set(ylabel="weight, per standard deviation of the input")
        weights.legend(fontsize="small", ncols=5, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)
        errors.plot(lambdas, [row.train for row in fits], "o-", label="training rows")
        errors.plot(lambdas, [row.held_out for row in fits], "s--", label="held-out rows")
        errors.set(ylabel="root of the mean squared error")
        errors.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False)
        for axes in (weights, errors):  # linear up to the first lambda above 0, so that 0 has a place
            axes.set_xscale("symlog", linthresh=min(lam for lam in lambdas if lam > 0))
            axes.set_xlabel("lambda")


if __name__ == "__main__":
    main()
