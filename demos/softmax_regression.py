"""Multiclass logistic regression: its gradient is y - t, and three kinds of iris are told apart by it.

    python -m demos.softmax_regression [--seed 0] [--small] [--plot FILE]

    z_k = sum_j w_kj x_j + b_k      y_k = e^z_k / sum_l e^z_l      L = -sum_k t_k ln y_k        (t one-hot, of class c)

1. One flower: L as the lectures write it, operation by operation (lecture 002, "Multiclass logistic regression";
   lecture 000, "Multi-class classification"), and `nn.cross_entropy` of the logits z. In both, z_bar = y - t.
2. The same flower: W_bar = z_bar x^T and b_bar = z_bar (lecture 002, "In vectorized form").
3. 150 flowers (scikit-learn's iris): 100 to train on, 50 held out. The mean of L and lambda 1/2 ||W||^2 is minimised by
   gradient descent and by L-BFGS, and the held-out flowers are told apart by four measurements and by two.

The lectures have letters only; the weights of 1 and 2 are drawn by the seed. Lecture 002 writes w_lj for the weight
from input j to output l, as here; lecture 000 writes w_jl for it, so that its matrix is this one's transpose.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import Value, exp, grad, log, no_grad, softmax
from autograd import sum as total

N_TRAIN, LAMBDA, TWO = 100, 0.01, [2, 3]  # TWO: length and width of the petal
EPOCHS, EPOCHS_SMALL, LR = 100, 20, 0.5


class Flowers(NamedTuple):
    x: list[list[float]]  # centimetres
    c: list[int]  # the class, 0 to 2


class Iris(NamedTuple):
    features: list[str]
    classes: list[str]
    train: Flowers
    held_out: Flowers


def iris(seed: int) -> Iris:
    """The flowers, shuffled by `seed`: N_TRAIN to train on, the others held out."""
    try:
        from sklearn.datasets import load_iris  # type: ignore[import-untyped]
    except ImportError:
        raise SystemExit("The rows come with scikit-learn. Install it:  pip install scikit-learn") from None
    data, order = load_iris(), np.random.default_rng(seed).permutation(150)
    parts = (Flowers(data.data[w].tolist(), data.target[w].tolist()) for w in (order[:N_TRAIN], order[N_TRAIN:]))
    features = [name.removesuffix(" (cm)") for name in data.feature_names]
    return Iris(features, [str(name) for name in data.target_names], *parts)


class SoftmaxRegression(nn.Module):
    """From centimetres to logits: z = W s + b, where s is x standardised by the rows that the model was made for."""

    def __init__(self, rows: Sequence[Sequence[float]], n_classes: int) -> None:
        self.mean, self.deviation = np.mean(rows, axis=0).tolist(), np.std(rows, axis=0).tolist()
        self.layer = nn.Layer(len(self.mean), n_classes, activation=None, seed=0)

    def __call__(self, inputs: Any) -> Any:
        return self.layer([(x - m) / s for x, m, s in zip(inputs, self.mean, self.deviation)])

    def penalty(self, parameters: Sequence[Value] = ()) -> Any:
        """lambda 1/2 ||W||^2. Without it, classes that a line parts would have the weights grow for ever."""
        return LAMBDA * nn.l2_penalty(w for neuron in self.layer.neurons for w in neuron.weights)


class OneFlower(NamedTuple):
    """Everything about one row, by class: lists have one number for each class, W's are lists of such rows."""

    x: list[float]
    c: int
    z: list[float]
    y: list[float]
    y_bar: list[float]  # of the spelled-out L
    z_bar: list[float]  # of the spelled-out L
    z_bar_from_logits: list[float]  # of nn.cross_entropy
    w_bar: list[list[float]]
    b_bar: list[float]
    slopes: list[float]  # dy_c/dz_k, by autograd.grad


def one_flower(x: list[float], c: int, n_classes: int, seed: int) -> OneFlower:
    generator = Random(seed)
    w = [[Value(generator.uniform(-0.5, 0.5)) for _ in x] for _ in range(n_classes)]
    b = [Value(generator.uniform(-0.5, 0.5)) for _ in range(n_classes)]
    t = [float(k == c) for k in range(n_classes)]

    z = [total(w_kj * x_j for w_kj, x_j in zip(w_k, x)) + b_k for w_k, b_k in zip(w, b)]
    exponentials = [exp(z_k) for z_k in z]
    partition = total(exponentials)
    y = [e / partition for e in exponentials]
    loss = -total(t_k * log(y_k) for t_k, y_k in zip(t, y))
    loss.backward()
    spelled_out = [z_k.grad for z_k in z]

    logits = [Value(z_k.data) for z_k in z]
    nn.cross_entropy(logits, c).backward()
    return OneFlower(
        x, c, [z_k.data for z_k in z], [y_k.data for y_k in y], [y_k.grad for y_k in y], spelled_out,
        [z_k.grad for z_k in logits], [[w_kj.grad for w_kj in w_k] for w_k in w], [b_k.grad for b_k in b],
        grad(lambda z: softmax(z)[c])([z_k.data for z_k in z]),
    )  # fmt: skip


def by_hand(row: OneFlower) -> tuple[list[float], list[list[float]]]:
    """y - t, and its outer product with x, on plain floats."""
    partition = sum(math.exp(z_k) for z_k in row.z)
    difference = [math.exp(z_k) / partition - (k == row.c) for k, z_k in enumerate(row.z)]
    return difference, [[d_k * x_j for x_j in row.x] for d_k in difference]


def risk(model: SoftmaxRegression, flowers: Flowers) -> Value:
    return nn.empirical_risk(model, flowers.x, flowers.c, nn.cross_entropy, model.penalty)


def by_gradient_descent(flowers: Flowers, n_classes: int, epochs: int) -> tuple[SoftmaxRegression, list[float]]:
    """The model after `epochs` steps of all rows, and the risk before each."""
    model = SoftmaxRegression(flowers.x, n_classes)
    optimizer = nn.SGD(model.parameters(), lr=LR)
    history = nn.fit(
        model, flowers.x, flowers.c, nn.cross_entropy, optimizer, epochs, penalty=model.penalty, progress=False
    )
    return model, history.loss


def by_lbfgs(flowers: Flowers, n_classes: int) -> tuple[SoftmaxRegression, list[float]]:
    """The minimum, and the risk at the start and after each iteration."""
    model = SoftmaxRegression(flowers.x, n_classes)
    with no_grad():
        losses = [risk(model, flowers).data]
    nn.minimize(lambda: risk(model, flowers), model.parameters(), tolerance=1e-6, callback=losses.append)
    return model, losses


def mean_difference(model: SoftmaxRegression, flowers: Flowers) -> list[float]:
    """The mean of y - t over the flowers, for each class."""
    y = np.array([softmax(z) for z in nn.predict(model, flowers.x)])
    t = np.eye(y.shape[1])[flowers.c]
    return (y - t).mean(axis=0).tolist()


def confusion(model: nn.Module, flowers: Flowers, n_classes: int) -> list[list[int]]:
    """How many flowers of each class (a row) were taken for each class (a column): that of the largest logit."""
    table = [[0] * n_classes for _ in range(n_classes)]
    for z, c in zip(nn.predict(model, flowers.x), flowers.c):
        table[c][z.index(max(z))] += 1
    return table


def correct(table: list[list[int]]) -> int:
    return sum(row[k] for k, row in enumerate(table))


def two_features(flowers: Flowers) -> Flowers:
    return Flowers([[x[j] for j in TWO] for x in flowers.x], flowers.c)


def numbers(row: Sequence[float], width: int = 10) -> str:
    return "".join(f"{number:{width}.6f}" for number in row)


def show_one_flower(row: OneFlower, data: Iris) -> None:
    difference, outer = by_hand(row)
    c = row.c
    measures = ", ".join(f"{name} {x:g}" for name, x in zip(data.features, row.x))
    print(f"1. One flower of class c = {c}, {data.classes[c]}, in cm:\n   {measures}\n")
    print("   L = -ln y_c, so y_bar is -1/y_c for class c, else 0 (lecture 000); z_bar_k = y_bar_c dy_c/dz_k.")
    print("   'by hand' is y - t on plain floats, 'L' the engine's adjoint of z by the spelled-out L, 'logits'")
    print("   the one by nn.cross_entropy(z, c), which needs no y and overflows for no z.\n")
    heads = ("z", "y", "y_bar", "dy_c/dz", "product", "by hand", "L", "logits")
    print(f"   {'class':10}  t" + "".join(f"{head:>10}" for head in heads))
    for k, name in enumerate(data.classes):
        product = row.y_bar[c] * row.slopes[k]
        z_bars = (difference[k], row.z_bar[k], row.z_bar_from_logits[k])
        line = (row.z[k], row.y[k], row.y_bar[k] + 0.0, row.slopes[k], product, *z_bars)
        print(f"   {name:10} {int(k == c):2}{numbers(line)}")
    print("\n   The slopes dy_c/dz_k are y_c (1 - y_c) for class c and -y_c y_k for the others; y_c cancels")
    print("   against -1/y_c, and y - t is left. It sums to 0: what one class gains, the others lose.\n")

    print("2. The weights: W_bar = (y - t) x^T, b_bar = y - t\n")
    print(f"   {'':12}{'engine':>10}{'':35}{'by hand':>10}")
    features = "".join(f"{f'x_{j + 1} = {x:g}':>10}" for j, x in enumerate(row.x))
    print(f"   {'class':12}{features}     {features}")
    for name, engine_row, hand_row in zip(data.classes, row.w_bar, outer):
        print(f"   {name:12}{numbers(engine_row)}     {numbers(hand_row)}")
    pairs = [(e, h) for rows in zip(row.w_bar, outer) for e, h in zip(*rows)] + list(zip(row.b_bar, difference))
    print(f"\n   Largest difference in W_bar and b_bar: {max(abs(e - h) for e, h in pairs):.1e}\n")


def show_training(data: Iris, epochs: int) -> SoftmaxRegression:
    n = len(data.classes)
    model, best = by_lbfgs(data.train, n)
    descended, losses = by_gradient_descent(data.train, n, epochs)
    print(f"3. {len(data.train.c)} flowers: mean of L + {LAMBDA:g} 1/2 ||W||^2, a convex function: one minimum\n")
    print(f"   {'step':>6}{f'gradient descent, rate {LR:g}':>30}{'L-BFGS':>12}")
    for step in sorted({0, 1, 2, 5, 10, 20, 50, epochs - 1, len(best) - 1}):
        cells = [f"{run[step]:.6f}" if step < len(run) else "" for run in (losses, best)]
        print(f"   {step:6}{cells[0]:>30}{cells[1]:>12}".rstrip())
    largest = max(map(abs, mean_difference(model, data.train)))
    print(f"\n   L-BFGS, which learns the curvature from the gradients, ends after {len(best) - 1} iterations. There")
    print(f"   the mean of y - t over the rows, which is b_bar, is 0 for every class (at most {largest:.0e}):")
    print("   the mean probability of a class is its share of the training rows.\n")

    print(f"   {len(data.held_out.c)} flowers held out, taken for")
    print(f"   {'':12}" + "".join(f"{name:>12}" for name in data.classes))
    table = confusion(model, data.held_out, n)
    for name, counts in zip(data.classes, table):
        print(f"   {name:12}" + "".join(f"{count:12}" for count in counts))

    two, _ = by_lbfgs(two_features(data.train), n)
    by_two = confusion(two, two_features(data.held_out), n)
    right = {
        "always the commonest class of the training rows": data.held_out.c.count(max(range(n), key=data.train.c.count)),
        "four measurements, L-BFGS (the table)": correct(table),
        f"four measurements, {epochs} steps of gradient descent": correct(confusion(descended, data.held_out, n)),
        f"{' and '.join(data.features[j] for j in TWO)}, L-BFGS": correct(by_two),
    }
    print("\n   correct of the held-out flowers")
    for name, number in right.items():
        print(f"   {name:49}{number:4} of {len(data.held_out.c)}{100 * number / len(data.held_out.c):7.1f} %")
    return two


def plot(path: str, model: SoftmaxRegression, data: Iris) -> None:
    from demos._picture import picture
    from nn.plots import plot_decision_boundary

    with picture(path, columns=2) as axes:
        for axis, title, flowers in zip(axes, ("training rows", "held-out rows"), (data.train, data.held_out)):
            plot_decision_boundary(model, *two_features(flowers), axes=axis)
            names = [f"{data.features[j]} (cm)" for j in TWO]
            for text, name in zip(axis.get_legend().get_texts(), data.classes):
                text.set_text(name)
            axis.set(xlabel=f"{names[0]}, {title}", ylabel=names[1])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.softmax_regression", description="Softmax and y - t.")
    parser.add_argument("--seed", type=int, default=0, help="splits the rows, draws the weights of 1 and 2 (default 0)")
    parser.add_argument("--small", action="store_true", help=f"{EPOCHS_SMALL} steps of gradient descent, not {EPOCHS}")
    parser.add_argument("--plot", metavar="FILE", help="draw the decision boundaries in the plane of two measurements")
    options = parser.parse_args(argv)

    data = iris(options.seed)
    show_one_flower(one_flower(data.train.x[0], data.train.c[0], len(data.classes), options.seed), data)
    two = show_training(data, EPOCHS_SMALL if options.small else EPOCHS)
    if options.plot:
        plot(options.plot, two, data)


if __name__ == "__main__":
    main()
