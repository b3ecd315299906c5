"""Gradient descent by the lecture's scalar pseudo-code on plain floats, line by line, beside the engine's adjoints.

    python -m demos.gradient_descent [--seed 1] [--small] [--plot FILE]

A network with two inputs, three tanh units and two sigmoid outputs learns to add two bits: the sum (XOR) and the carry
(AND). w[k, i, j] is the weight from unit i of layer k-1 to unit j of layer k; unit 0 is the bias, y[k, 0] = 1:
z_j^k = sum_i w_ij^k y_i^(k-1), y_j^k = f_k(z_j^k), Div = 1/2 sum_j (y_j^N - d_j)^2, E = 1/T sum_t Div(Y_t, d_t).

1. One row: the forward pass, which caches z and y, and the backward pass from layer N to 0, number by number.
2. The loop until E has converged, by hand and by the engine.
3. Full batch against one row a step (lecture 001, "Weight update rule").

PSEUDO_CODE numbers the lines of lecture 000, "Gradient descent algorithm (scalar formulation)", "Forward pass" and
"backward pass pseudocode", with the indices of B6 and B7 mended; the comments in the code point to these numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import autograd
import nn
from autograd import Value, sigmoid, tanh

PSEUDO_CODE = """\
G1  initialise w_ij^k for all i, j, k           F1  y_j^0 = x_j and y_0^k = 1
G2  do                                          F2  for layer k = 1, ..., N
G3      dE/dw_ij^k = 0 for all i, j, k          F3      for unit j = 1, ..., D_k
G4      for every row t = 1, ..., T             F4          z_j^k = sum_i w_ij^k y_i^(k-1)
G5          dDiv(Y_t, d_t)/dw_ij^k by F and B   F5          y_j^k = f_k(z_j^k)
G6          dE/dw_ij^k += dDiv(Y_t, d_t)/dw_ij^k
G7      w_ij^k -= eta/T dE/dw_ij^k for all i, j, k
G8  until E has converged
                        B1  for unit i = 1, ..., D_N
                        B2      dDiv/dy_i^N, and dDiv/dz_i^N = dDiv/dy_i^N f_N'(z_i^N)
                        B3  for layer k = N-1, ..., 0
                        B4      for unit i = 1, ..., D_k
                        B5          dDiv/dy_i^k = sum_j w_ij^(k+1) dDiv/dz_j^(k+1)
                        B6          dDiv/dz_i^k = dDiv/dy_i^k f_k'(z_i^k), where k > 0
                        B7      dDiv/dw_ij^(k+1) = y_i^k dDiv/dz_j^(k+1) for i = 0, ..., D_k, all j"""

D = (2, 3, 2)  # the widths D_0, ..., D_N
N = len(D) - 1
F = {1: tanh, 2: sigmoid}
F_PRIME = {1: lambda y: 1 - y * y, 2: lambda y: y * (1 - y)}  # at z, in terms of the cached y = f(z)
BITS = (((0.0, 0.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, 0.0)), ((1.0, 0.0), (1.0, 0.0)), ((1.0, 1.0), (0.0, 1.0)))
ETA, FALL = 1.0, 1e-6  # part 2: E has converged when a round lowers it by less than FALL
COPIES, SPREAD, ETA_ROWS = 10, 0.2, 0.5  # part 3: scattered copies of each of the four rows

Row = tuple[Sequence[float], Sequence[float]]
Numbers = dict[tuple[int, ...], Any]  # z and y by (layer, unit), w by (layer, from unit, to unit): floats or Values


def units(k: int) -> range:
    return range(1, D[k] + 1)


def initialise(seed: int) -> Numbers:
    generator = Random(seed)
    return {(k, i, j): generator.uniform(-1, 1) for k in range(1, N + 1) for i in (0, *units(k - 1)) for j in units(k)}


def forward(w: Numbers, x: Sequence[Any]) -> tuple[Numbers, Numbers]:
    """The cached z and y of every unit: floats from floats, Values from Values."""
    y: Numbers = {(k, 0): 1.0 for k in range(N)} | {(0, j): x[j - 1] for j in units(0)}  # F1
    z: Numbers = {}
    for k in range(1, N + 1):  # F2
        for j in units(k):  # F3
            z[k, j] = autograd.sum(w[k, i, j] * y[k - 1, i] for i in (0, *units(k - 1)))  # F4
            y[k, j] = F[k](z[k, j])  # F5
    return z, y


def backward(w: Numbers, y: Numbers, d: Sequence[float]) -> tuple[Numbers, Numbers, Numbers]:
    """dDiv/dy, dDiv/dz and dDiv/dw on floats, from layer N to 0, out of what the forward pass has cached."""
    dy: Numbers = {}
    dz: Numbers = {}
    dw: Numbers = {}
    for i in units(N):  # B1
        dy[N, i] = y[N, i] - d[i - 1]  # B2
        dz[N, i] = dy[N, i] * F_PRIME[N](y[N, i])
    for k in range(N - 1, -1, -1):  # B3
        for i in units(k):  # B4
            dy[k, i] = sum(w[k + 1, i, j] * dz[k + 1, j] for j in units(k + 1))  # B5
            if k > 0:
                dz[k, i] = dy[k, i] * F_PRIME[k](y[k, i])  # B6
        for i in (0, *units(k)):
            for j in units(k + 1):
                dw[k + 1, i, j] = y[k, i] * dz[k + 1, j]  # B7
    return dy, dz, dw


def divergence(y: Numbers, d: Sequence[float]) -> Any:
    return nn.squared_error([y[N, j] for j in units(N)], d)


def error(w: Numbers, rows: Sequence[Row]) -> Any:
    """E, the mean divergence of the rows."""
    return autograd.sum(divergence(forward(w, x)[1], d) for x, d in rows) / len(rows)


def step(w: Numbers, rows: Sequence[Row], eta: float) -> Numbers:
    """The weights after one round of the loop; on a single row (T = 1) that is a stochastic step."""
    de = dict.fromkeys(w, 0.0)  # G3
    for x, d in rows:  # G4
        _, y = forward(w, x)  # G5
        _, _, dw = backward(w, y, d)
        for kij in w:
            de[kij] += dw[kij]  # G6
    return {kij: w[kij] - eta / len(rows) * de[kij] for kij in w}  # G7


def one_row(seed: int, row: Row) -> tuple[Numbers, Numbers, list[tuple[str, float, float]]]:
    """z and y of one row, and (name, by hand, by the engine) for every dDiv/dy, dDiv/dz and dDiv/dw."""
    w, (x, d) = initialise(seed), row
    z, y = forward(w, x)
    by_hand = backward(w, y, d)

    w_nodes = {kij: Value(number) for kij, number in w.items()}
    z_nodes, y_nodes = forward(w_nodes, [Value(number) for number in x])
    divergence(y_nodes, d).backward()
    pairs = []
    for letter, numbers, nodes in zip("yzw", by_hand, (y_nodes, z_nodes, w_nodes)):
        for key in sorted(numbers, key=lambda key: (-key[0], key)):
            layer, *unit = key
            pairs.append((f"{letter}_{''.join(map(str, unit))}^{layer}", numbers[key], nodes[key].grad))
    return z, y, pairs


def read_literally() -> list[str]:
    """What B7 with the lecture's own indices, dDiv/dw_ji^(k+1) = y_j^k dDiv/dz_i^(k+1), asks for and nobody has."""
    loops = [(k, i, j) for k in range(N - 1, -1, -1) for i in units(k) for j in units(k + 1)]
    missing = {f"y_{j}^{k}" for k, _, j in loops if j > D[k]} | {f"z_{i}^{k + 1}" for k, i, _ in loops if i > D[k + 1]}
    return sorted(missing)


class Round(NamedTuple):
    """E before a round, by hand and by the engine, and the largest difference between their weights."""

    number: int
    by_hand: float
    engine: float
    difference: float


def until_converged(seed: int, fall: float = FALL) -> list[Round]:
    """The loop G1 to G8 by hand, and beside it, from the same weights, `backward()` and `nn.SGD`."""
    w = initialise(seed)  # G1
    nodes = {kij: Value(number) for kij, number in w.items()}
    optimizer = nn.SGD(nodes.values(), lr=ETA)
    rounds: list[Round] = []
    while len(rounds) < 2 or rounds[-2].by_hand - rounds[-1].by_hand >= fall:  # G2, G8
        loss = error(nodes, BITS)
        rounds.append(Round(len(rounds), error(w, BITS), loss.data, max(abs(w[k] - nodes[k].data) for k in w)))
        w = step(w, BITS, ETA)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return rounds


def scattered(seed: int) -> list[Row]:
    """COPIES of each of the four rows, their inputs moved by N(0, SPREAD^2)."""
    generator = Random(seed)
    return [([bit + generator.gauss(0, SPREAD) for bit in x], d) for x, d in BITS for _ in range(COPIES)]


def epochs(seed: int, rows: Sequence[Row], eta: float, number: int, one_by_one: bool = False) -> list[Numbers]:
    """The weights before the first epoch and after each: one full-batch step, or T steps of one row in random order."""
    weights, order, generator = [initialise(seed)], list(rows), Random(seed)
    for _ in range(number):
        w = weights[-1]
        generator.shuffle(order)
        for batch in [[row] for row in order] if one_by_one else [rows]:
            w = step(w, batch, eta)
        weights.append(w)
    return weights


def first_epoch(seed: int, rows: Sequence[Row], eta: float) -> tuple[float, float]:
    """How far one full step of T eta moves a weight, and how far from there T single steps of eta end, at most."""
    start, together = epochs(seed, rows, len(rows) * eta, 1)
    apart = epochs(seed, rows, eta, 1, one_by_one=True)[-1]
    return max(abs(together[k] - start[k]) for k in start), max(abs(together[k] - apart[k]) for k in start)


def show_one_row(seed: int) -> None:
    x, d = row = BITS[3]
    print(f"1. One row, x = {x}, d = {d}, from the weights of seed {seed}. 'hand' is F and B on floats.\n")
    z, y, pairs = one_row(seed, row)
    adjoints = {name: f"{hand:12.6f}{engine:12.6f}" for name, hand, engine in pairs}
    print(f"{'':32}{'dDiv/dy (B2, B5)':>24}{'dDiv/dz (B2, B6)':>24}")
    print(f"   layer  unit    z (F4)    y (F5){'hand':>11}{'engine':>12}{'hand':>12}{'engine':>12}")
    for k in range(N, -1, -1):
        for i in units(k):
            z_text = f"{z[k, i]:10.6f}" if k else f"{'-':>10}"
            z_bar = adjoints.get(f"z_{i}^{k}", f"{'-':>12}{'-':>12}")
            print(f"   {k:5d}{i:6d}{z_text}{y[k, i]:10.6f}{adjoints[f'y_{i}^{k}']}{z_bar}")

    print("\n   dDiv/dw_ij^k (B7)")
    print(("   " + f"{'':6}{'hand':>10}{'engine':>11}     " * 3).rstrip())
    cells = [f"{name:6}{hand:10.6f}{engine:11.6f}" for name, hand, engine in pairs if name[0] == "w"]
    for start in range(0, len(cells), 3):
        print("   " + "     ".join(cells[start : start + 3]))
    largest = max(abs(hand - engine) for row in BITS for _, hand, engine in one_row(seed, row)[2])
    print(f"   Largest difference between hand and engine over the four rows: {largest:.1e}\n")

    missing = " and ".join(read_literally())
    print("   The lecture's last line, as transcribed, exchanges i and j: it has y_j^k dDiv/dz_i^(k+1) for i up")
    print(f"   to D_k, j up to D_(k+1). Literally it asks for {missing}, which no {D} network has.")
    print("   Since its i starts at 1, the biases w_0j get no derivative; and at k = 0 it asks for f_0'(z_i^0),")
    print("   but inputs have no activation. B6 and B7 above say what is meant.\n")


def show_convergence(seed: int, fall: float) -> None:
    rounds = until_converged(seed, fall)
    print(f"2. The four rows, eta = {ETA:g}. 'Converged' (G8), which the lecture leaves open, is: a round lowers E by")
    print(f"   less than {fall:g}. By the engine: `backward()` on E, then a step of nn.SGD.\n")
    print("   round     E by hand   E by engine   largest difference in a weight")
    for row in rounds:
        if row.number in (0, 1, 10, 30, 100, 300, 1000, len(rounds) - 1):
            print(f"   {row.number:5d}{row.by_hand:14.9f}{row.engine:14.9f}   {row.difference:.1e}")
    print()


def show_batches(seed: int, small: bool, plot: str | None) -> None:
    rows, last = scattered(seed), 30 if small else 100
    t = len(rows)
    names = [f"full, eta = {ETA_ROWS:g}", f"single, eta = {ETA_ROWS:g}", f"full, eta = {t * ETA_ROWS:g}"]
    runs = [
        epochs(seed, rows, ETA_ROWS, last),
        epochs(seed, rows, ETA_ROWS, last, one_by_one=True),
        epochs(seed, rows, t * ETA_ROWS, last),
    ]
    curves = [[error(w, rows) for w in run] for run in runs]
    print(f"3. Full batch and single rows: T = {t} rows around the four, deviation {SPREAD:g}. Every epoch computes T")
    print("   gradients: the full batch makes one step of their mean, single rows make T, in random order.\n")
    print("   E after epoch " + "".join(f"{name:>20}" for name in names))
    for epoch in (0, 1, 2, 5, 10, 20, 30, 50, 100):
        if epoch <= last:
            print(f"   {epoch:13d} " + "".join(f"{curve[epoch]:20.4f}" for curve in curves))

    rises = [sum(curve[e] > curve[e - 1] for e in range(1, last + 1)) for curve in curves]
    print("   E rose in     " + "".join(f"{f'{rise} epochs':>20}" for rise in rises))
    print("\n   While eta is small, T single steps of eta end where one full step of T eta ends, up to the order")
    print("   of eta^2, since each single step sees those before it. The largest change of any weight:\n")
    print("          eta   one full step of T eta   the difference to T single steps of eta")
    for eta in (1e-2, 1e-3, 1e-4):
        way, difference = first_epoch(seed, rows, eta)
        print(f"   {eta:10g}{way:25.1e}{difference:42.1e}")
    print("\n   To first order an epoch of single rows goes T times as far as a full-batch epoch of the same eta.")
    print(f"   The full batch at T eta = {t * ETA_ROWS:g} goes as far in one step, and raises E where that is too far.")

    if plot:
        from demos._picture import STYLES, picture

        with picture(plot) as axes:
            for name, curve, style in zip(names, curves, STYLES):
                axes.semilogy(curve, style, label=name)
            axes.set_xlabel(f"epoch ({t} gradients each)")
            axes.set_ylabel("E, mean divergence of the rows")
            axes.grid(alpha=0.3)
            axes.legend()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.gradient_descent", description="The pseudo-code, run.")
    parser.add_argument("--seed", type=int, default=1, help="draws the weights and scatters the rows (default 1)")
    parser.add_argument("--small", action="store_true", help="converge to 1e-4 only; 30 epochs instead of 100")
    parser.add_argument("--plot", metavar="FILE", help="draw E by epoch of part 3")
    options = parser.parse_args(argv)

    print(f"The lecture's lines, numbered:\n\n{PSEUDO_CODE}\n")
    show_one_row(options.seed)
    show_convergence(options.seed, 1e-4 if options.small else FALL)
    show_batches(options.seed, options.small, options.plot)


if __name__ == "__main__":
    main()
