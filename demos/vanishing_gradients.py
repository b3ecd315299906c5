"""Why adjoints vanish or explode in deep networks, and what the choice of the first weights can do about it.

    python -m demos.vanishing_gradients [--seed 0] [--small] [--plot FILE]

1. Twenty layers z^m = W^m a^(m-1), a^m = f(z^m), no biases, f linear, tanh or sigmoid. Going back one layer is
   dL/dz^m = (W^(m+1)^T dL/dz^(m+1)) o f'(z^m): one factor from the matrix and one from the nonlinearity, nineteen times
   over. Measured under tiny, unit, large and Xavier weights (lecture 003, "Backpropagation").
2. One linear layer o = W x with x_i ~ N(0, 1) and w ~ N(0, sigma^2): Var[o] = n_in sigma^2, backwards
   Var[x_bar] = n_out sigma^2, and the compromise sigma^2 = 2 / (n_in + n_out)
   (lecture 003, "Parameter Initialization").
3. What that does for the sigmoid.

'Theory' in part 1 takes the layers for so wide that z is Gaussian: with q the variance of z^m, the next one has
n sigma^2 E[f(z)^2], and a layer back multiplies the squared norm of the adjoints by n sigma^2 E[f'(z)^2]. That goes
beyond the lecture, whose argument leaves nonlinearities out. Layers as narrow as these stay below it where most units
are flat, f'(z) < 0.01: then it takes luck that any unit of a layer passes its adjoint on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from random import Random
from statistics import geometric_mean, mean, stdev
from typing import NamedTuple

import numpy as np

from autograd import Value, dot, identity, sigmoid, tanh

LAYERS, FLAT = 20, 0.01
ACTIVATIONS = {"linear": identity, "tanh": tanh, "sigmoid": sigmoid}
SIGMAS: dict[str, Callable[[int, int], float]] = {
    "tiny": lambda n_in, n_out: 0.01,
    "unit": lambda n_in, n_out: 1.0,
    "large": lambda n_in, n_out: 3.0,
    "1/sqrt(n_in)": lambda n_in, n_out: 1 / sqrt(n_in),
    "1/sqrt(n_out)": lambda n_in, n_out: 1 / sqrt(n_out),
    "Xavier": lambda n_in, n_out: sqrt(2 / (n_in + n_out)),
}
DEEP_WEIGHTS, SHALLOW_WEIGHTS = ("tiny", "unit", "large", "Xavier"), ("1/sqrt(n_in)", "1/sqrt(n_out)", "Xavier")
SHAPES = ((10, 40), (40, 10), (20, 20))


class Deep(NamedTuple):
    """Twenty layers, geometric means over several networks; norms[m - 1] is the norm of dL/dz^m."""

    activation: str
    weights: str
    sigma: float
    norms: list[float]
    matrix: float  # |dL/da^m| / |dL/dz^(m+1)|, the mean over m = 1 .. 19
    slope: float  # |dL/dz^m| / |dL/da^m|, likewise
    flat: float  # the share of units with f'(z) < FLAT
    theory: float  # of `per_layer`

    @property
    def per_layer(self) -> float:
        """The factor of the norm from one layer to the one before it: matrix times slope."""
        return (self.norms[0] / self.norms[-1]) ** (1 / (LAYERS - 1))

    @property
    def verdict(self) -> str:
        change = self.norms[0] / self.norms[-1]
        return "vanish" if change < 1e-3 else "explode" if change > 1e3 else ""


def norm(adjoints: Iterable[float]) -> float:
    return sqrt(sum(adjoint * adjoint for adjoint in adjoints))


def layer(n_out: int, inputs: Sequence[Value], sigma: float, generator: Random) -> list[Value]:
    """W x for a fresh W of shape n_out x n_in, w ~ N(0, sigma^2)."""
    return [dot([generator.gauss(0.0, sigma) for _ in inputs], inputs) for _ in range(n_out)]


def network(f: Callable, sigma: float, width: int, generator: Random) -> tuple[list[list[Value]], list[list[Value]]]:
    """(z^1 .. z^20, a^1 .. a^20) after a backward pass from L = g . a^20, g a random direction of length 1."""
    zs, activations = [], []
    a = [Value(generator.gauss(0.0, 1.0)) for _ in range(width)]
    for _ in range(LAYERS):
        z = layer(width, a, sigma, generator)
        a = [f(node) for node in z]
        zs.append(z)
        activations.append(a)
    g = [generator.gauss(0.0, 1.0) for _ in range(width)]
    dot([g_k / norm(g) for g_k in g], a).backward()
    return zs, activations


def deep(activation: str, weights: str, width: int, networks: int, seed: int) -> Deep:
    """`networks` networks of one kind, measured."""
    f, sigma, generator = ACTIVATIONS[activation], SIGMAS[weights](width, width), Random(seed)
    z_norms, a_norms, slopes = [], [], []
    for _ in range(networks):
        zs, activations = network(f, sigma, width, generator)
        z_norms.append([norm(node.grad for node in z) for z in zs])
        a_norms.append([norm(node.grad for node in a) for a in activations])
        slopes += [f.partials(a.data, [a.parents[0].data])[0] for layer in activations for a in layer]
    steps = [(z[m], a[m], z[m + 1]) for z, a in zip(z_norms, a_norms) for m in range(LAYERS - 1)]
    return Deep(
        activation, weights, sigma,
        norms=[geometric_mean(norms) for norms in zip(*z_norms)],
        matrix=geometric_mean(a / z_after for _, a, z_after in steps),
        slope=geometric_mean(z / a for z, a, _ in steps),
        flat=mean(slope < FLAT for slope in slopes),
        theory=theory(activation, sigma, width),
    )  # fmt: skip


def theory(activation: str, sigma: float, width: int) -> float:
    """The factor per layer for Gaussian z, whose variance is followed from layer to layer."""
    standard = np.linspace(-8.0, 8.0, 4001)
    density = np.exp(-(standard**2) / 2)
    density /= density.sum()
    f, slope = {
        "linear": (lambda z: z, np.ones_like),
        "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: 0.25 / np.cosh(z / 2) ** 2),
    }[activation]
    gain = width * sigma**2
    q, squares = gain, []  # the input has E[x^2] = 1
    for _ in range(LAYERS - 1):
        z = sqrt(q) * standard
        squares.append(gain * float(density @ slope(z) ** 2))
        q = gain * float(density @ f(z) ** 2)
    return sqrt(geometric_mean(squares))


class Variances(NamedTuple):
    """Measured variances of o and of x_bar, each with its standard error."""

    weights: str
    n_in: int
    n_out: int
    sigma: float
    forward: float
    forward_error: float
    backward: float
    backward_error: float


def variances(weights: str, n_in: int, n_out: int, draws: int, seed: int) -> Variances:
    """The mean of o^2 and, with o_bar_k ~ N(0, 1) sent back, of x_bar^2; both have mean 0. W and x fresh each time."""
    sigma, generator = SIGMAS[weights](n_in, n_out), Random(seed)
    forward, backward = [], []
    for _ in range(draws):
        x = [Value(generator.gauss(0.0, 1.0)) for _ in range(n_in)]
        o = layer(n_out, x, sigma, generator)
        dot([generator.gauss(0.0, 1.0) for _ in o], o).backward()
        forward.append(mean(node.data**2 for node in o))
        backward.append(mean(node.grad**2 for node in x))
    errors = [stdev(squares) / sqrt(draws) for squares in (forward, backward)]
    return Variances(weights, n_in, n_out, sigma, mean(forward), errors[0], mean(backward), errors[1])


def show_deep(rows: Sequence[Deep], width: int, networks: int) -> None:
    print(f"1. {LAYERS} layers of {width} units, w ~ N(0, sigma^2); geometric means over {networks} networks\n")
    print(f"   {'':22} {'norm of dL/dz^m':^25} {'one layer back':^32} flat")
    print("   f       weights sigma   m = 20       10        1   matrix    * f'  = both  theory units  adjoints")
    for row in rows:
        print(f"   {row.activation:7} {row.weights:7} {row.sigma:5.3f}", end="")
        print("".join(f"{row.norms[m - 1]:9.1e}" for m in (20, 10, 1)), end="")
        print(f" {row.matrix:8.3f} {row.slope:7.4f} {row.per_layer:7.3f} {row.theory:7.3f}", end="")
        print(f" {row.flat:5.0%}  {row.verdict}".rstrip())
    print("\n   'vanish', 'explode': by more than a factor 1000 from layer 20 to layer 1. The matrix factor")
    print(f"   is near sqrt(n) sigma = {sqrt(width):.3f} sigma. Flat units have f'(z) < {FLAT}; where many are flat,")
    print("   so narrow a layer stays below the theory, which is one for wide layers.")


def show_variances(rows: Sequence[Variances], draws: int) -> None:
    print(f"\n2. One linear layer, {draws} draws of W, x and o_bar, the same for every sigma; +- one standard error\n")
    print(f"   {'':32}{'Var[o]':^24}{'Var[x_bar]':^24}{'their mean':>12}")
    print("   n_in n_out  sigma               theory  measured        theory  measured      theory measured")
    for row in rows:
        forward, backward = row.n_in * row.sigma**2, row.n_out * row.sigma**2
        print(f"   {row.n_in:4} {row.n_out:5}  {row.weights:13} {row.sigma:.4f}", end="")
        print(f" {forward:6.2f}  {row.forward:5.2f} +- {row.forward_error:.2f}", end="")
        print(f"   {backward:6.2f}  {row.backward:5.2f} +- {row.backward_error:.2f}", end="")
        print(f" {(forward + backward) / 2:7.2f} {(row.forward + row.backward) / 2:8.2f}")
    print("\n   Where n_in and n_out differ no sigma makes both 1; Xavier's makes their mean 1.")


def show_sigmoid(rows: Sequence[Deep]) -> None:
    line, curve, row = (row for row in rows if row.weights == "Xavier")
    print("\n3. Sigmoid under Xavier: do the adjoints still vanish?\n")
    print(f"   {'Yes' if row.verdict == 'vanish' else 'No'}: from {row.norms[-1]:.1e} at layer 20 to ", end="")
    print(f"{row.norms[0]:.1e} at layer 1, by a factor {row.per_layer:.4f} a layer.")
    print(f"   The matrix does what Xavier wants ({row.matrix:.4f} a layer), but sigmoid' multiplies by ", end="")
    print(f"{row.slope:.4f}: it is\n   s (1 - s), 1/4 at z = 0 and less everywhere else.")
    print(f"   {row.matrix:.4f} * {row.slope:.4f} = {row.per_layer:.4f}, and {row.per_layer:.4f}^19 = ", end="")
    print(f"{row.per_layer ** (LAYERS - 1):.1e}; the bound 1/4 alone gives 0.25^19 = {0.25**19:.1e}.")
    print("   Xavier's argument leaves the nonlinearity out. It holds for the linear network ", end="")
    print(f"({line.per_layer:.4f} a layer),\n   roughly for tanh, whose slope is 1 at 0 and less elsewhere ", end="")
    print(f"({curve.per_layer:.4f}), and not for the sigmoid.")


def draw(rows: Sequence[Deep], path: str) -> None:
    from demos._picture import MARKERS, STYLES, picture

    with picture(path, columns=3, size=(12.0, 4.6)) as panels:
        for axes, activation in zip(panels, ACTIVATIONS):
            kinds = [row for row in rows if row.activation == activation]
            for row, style, marker in zip(kinds, STYLES, MARKERS):
                layers = range(1, LAYERS + 1)
                axes.semilogy(layers, row.norms, style, marker=marker, markersize=4, label=f"{row.weights} weights")
            axes.set_title(activation)
            axes.set_xlabel("layer m (the backward pass runs to the left)")
            axes.set_xticks([1, 5, 10, 15, 20])
            axes.grid(alpha=0.3)
            axes.set_ylim(min(min(row.norms) for row in rows) / 100, max(max(row.norms) for row in rows) * 100)
        panels[0].set_ylabel("norm of the adjoints dL/dz^m")
        panels[0].figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.vanishing_gradients", description="Vanishing gradients.")
    parser.add_argument("--seed", type=int, default=0, help="draws weights and inputs (default 0)")
    parser.add_argument("--small", action="store_true", help="narrower layers, fewer networks and draws")
    parser.add_argument("--plot", metavar="FILE", help="write a picture of the adjoints by layer")
    options = parser.parse_args(argv)
    width, networks, draws = (12, 2, 30) if options.small else (20, 4, 200)

    rows = [deep(f, weights, width, networks, options.seed) for f in ACTIVATIONS for weights in DEEP_WEIGHTS]
    show_deep(rows, width, networks)
    show_variances([variances(w, *shape, draws, options.seed) for shape in SHAPES for w in SHALLOW_WEIGHTS], draws)
    show_sigmoid(rows)
    if options.plot:
        draw(rows, options.plot)


if __name__ == "__main__":
    main()
