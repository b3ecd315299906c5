"""Two moons: micrograd's own demonstration, number by number, and the same picture in fewer passes over the rows.

    python -m demos.moons [--seed 1337] [--small] [--plot FILE]

100 rows of two inputs in two interleaved half circles, classes d = -1 and +1 (scikit-learn's make_moons, noise 0.1); a
network 2 -> 16 relu -> 16 relu -> 1 gives a score f(x), and the class is the sign of it. To minimise is

    E = 1/T sum_t max(0, 1 - d_t f(x_t)) + 1e-4 sum_i p_i^2          over all 337 weights and biases p.

1. micrograd's recipe (`demo.ipynb` of github.com/karpathy/micrograd): 100 steps of gradient descent on all the rows,
   the learning rate falling from 1 to 0.1 in a straight line, beside the numbers that the notebook prints.
2. Adam on batches of 10 rows: ten steps from one pass over the rows instead of one, and so fewer passes.
3. The plane as the second network sees it.

The rows of the margin, d f(x) < 1, are those whose loss has a gradient; all others push no weight.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

import nn
from autograd import no_grad

SEED, N_ROWS, NOISE = 1337, 100, 0.1
SIZES, ALPHA = [16, 16, 1], 1e-4
# (loss, accuracy in %) before the step, as the notebook prints them for seed 1337.
NOTEBOOK = {
    0: (0.8958441028683222, 50), 1: (1.7235905336972022, 81), 2: (0.7429006313851131, 77), 3: (0.7705641260584198, 82),
    4: (0.3692793385976538, 84), 10: (0.24507023853658053, 91), 20: (0.18977522856087634, 91),
    40: (0.06016009895234464, 100), 50: (0.09875114765619622, 96), 75: (0.011845398205364453, 100),
    99: (0.010978370135492717, 100),
}  # fmt: skip
RECIPE_EPOCHS, EPOCHS, EPOCHS_SMALL, BATCH, LR = 100, 25, 12, 10, 0.07


class State(NamedTuple):
    """What a network makes of all the rows: E, how many have the right sign, and how many lie in the margin."""

    loss: float
    correct: int
    in_margin: int


def moons(seed: int) -> tuple[list[list[float]], list[int]]:
    """The rows and their classes -1 (the upper moon) and +1."""
    try:
        from sklearn.datasets import make_moons  # type: ignore[import-untyped]
    except ImportError:
        raise SystemExit("The rows come with scikit-learn. Install it:  pip install scikit-learn") from None
    x, classes = make_moons(n_samples=N_ROWS, noise=NOISE, random_state=seed)
    return x.tolist(), (2 * classes - 1).tolist()


def network(seed: int) -> nn.MLP:
    """The network as micrograd starts it: biases 0, weights from U(-1, 1), drawn in the same order."""
    model, generator = nn.MLP(2, SIZES, activation="relu"), Random(seed)
    start = {name: 0.0 if name.endswith("bias") else generator.uniform(-1, 1) for name in model.state_dict()}
    model.load_state_dict(start)
    return model


def penalty(parameters: Sequence[Any]) -> Any:
    return 2 * ALPHA * nn.l2_penalty(parameters)  # l2_penalty is half the sum of the squares


def state(model: nn.Module, x: Sequence[Sequence[float]], d: Sequence[int]) -> State:
    with no_grad():
        shrinking = penalty(model.parameters()).data
    scores = nn.predict(model, x)
    losses = [nn.hinge(score, target) for score, target in zip(scores, d)]
    correct = sum((score > 0) == (target > 0) for score, target in zip(scores, d))
    return State(sum(losses) / len(losses) + shrinking, correct, sum(loss > 0 for loss in losses))


def train(
    seed: int,
    make: Callable[..., nn.Optimizer],
    lr: float,
    end_factor: float,
    fall: int,
    epochs: int,
    batch: int | None,
) -> tuple[nn.MLP, list[State]]:
    """The network after `epochs`, and its states before the first and after each. The rate falls for `fall` epochs."""
    (x, d), model = moons(seed), network(seed)
    optimizer = make(model.parameters(), lr=lr)
    schedule = nn.LinearLR(optimizer, start_factor=1.0, end_factor=end_factor, total_iters=fall)
    states = [state(model, x, d)]
    nn.fit(model, x, d, nn.hinge, optimizer, epochs, batch_size=batch, seed=seed, penalty=penalty, progress=False,
           callbacks=[schedule, lambda history: states.append(state(model, x, d))])  # fmt: skip
    return model, states


def recipe(seed: int, steps: int) -> tuple[nn.MLP, list[State]]:
    """micrograd's training: all rows in each step, a rate that reaches a tenth after 100 of them."""
    return train(seed, nn.SGD, lr=1.0, end_factor=0.1, fall=RECIPE_EPOCHS, epochs=steps, batch=None)


def small_batches(seed: int, epochs: int) -> tuple[nn.MLP, list[State]]:
    """Adam from the same start, a few rows in each step, a rate that reaches 0 at the end."""
    return train(seed, nn.Adam, lr=LR, end_factor=0.0, fall=epochs, epochs=epochs, batch=BATCH)


def first_all_correct(states: Sequence[State]) -> int | None:
    """The first epoch after which every row has the right sign; None if there is none."""
    return next((epoch for epoch, seen in enumerate(states) if seen.correct == N_ROWS), None)


def all_correct_for_good(states: Sequence[State]) -> int | None:
    """The epoch from which on every row has the right sign to the end; None if some row has not at the end."""
    wrong = [epoch for epoch, seen in enumerate(states) if seen.correct < N_ROWS]
    since = wrong[-1] + 1 if wrong else 0
    return since if since < len(states) else None


def drawing(model: nn.Module, x: Sequence[Sequence[float]], d: Sequence[int], columns: int = 64) -> list[str]:
    """The plane in characters: '+' where the score is positive, else '.', and the rows as 'O' (+1) and 'X' (-1)."""
    low, high = (-1.5, -1.0), (2.5, 1.5)
    lines = round(columns * (high[1] - low[1]) / (high[0] - low[0]) / 2)  # a character is about twice as high as wide
    across, up = (high[0] - low[0]) / columns, (high[1] - low[1]) / lines
    centres = [
        (low[0] + (i + 0.5) * across, high[1] - (j + 0.5) * up) for j in range(lines) for i in range(columns)
    ]  # from the upper left corner, line by line
    marks = ["+" if score > 0 else "." for score in nn.predict(model, centres)]
    for (x1, x2), target in zip(x, d):
        i, j = math.floor((x1 - low[0]) / across), math.floor((high[1] - x2) / up)
        if 0 <= i < columns and 0 <= j < lines:
            marks[j * columns + i] = "O" if target > 0 else "X"
    return ["".join(marks[j * columns : (j + 1) * columns]) for j in range(lines)]


def show_recipe(seed: int, states: Sequence[State]) -> None:
    print(f"1. micrograd's recipe: all {N_ROWS} rows in each step of SGD, learning rate from 1 to 0.1\n")
    notebook = seed == SEED
    heading = f"{'notebook E':>19}{'correct':>9}" if notebook else ""
    print(f"   {'step':>4}{heading}{'engine E':>19}{'correct':>9}{'in the margin':>15}")
    for step, (loss, percent) in NOTEBOOK.items():
        if step < len(states):
            seen, printed = states[step], f"{loss:19.15f}{percent:9}" if notebook else ""
            print(f"   {step:4}{printed}{seen.loss:19.15f}{seen.correct:9}{seen.in_margin:15}")
    if notebook:
        compared = [(states[step].loss, loss) for step, (loss, _) in NOTEBOOK.items() if step < len(states)]
        largest = max(abs(ours - theirs) / theirs for ours, theirs in compared)
        print(f"\n   The same rows and the same weights at the start. Largest relative difference in E: {largest:.1e}:")
        print("   the engine adds in another order, the bias last and the rows' gradients one by one.")
    else:
        print(f"\n   The notebook's numbers are those of seed {SEED}.")
    print()


def show_small_batches(states: Sequence[State], recipe_states: Sequence[State]) -> None:
    epochs = len(states) - 1
    print(f"2. Adam, {BATCH} rows a step, {epochs} epochs of {N_ROWS // BATCH} steps, learning rate from {LR} to 0\n")
    print(f"   {'epoch':>5}{'engine E':>12}{'correct':>9}{'in the margin':>15}")
    for epoch in sorted({0, 1, 2, 3, 5, 10, 15, 20, epochs}):
        if epoch <= epochs:
            seen = states[epoch]
            print(f"   {epoch:5}{seen.loss:12.6f}{seen.correct:9}{seen.in_margin:15}")
    print(f"\n   {'epochs (each row once) until all are correct':46}{'first':>7}{'for good':>10}{'of':>5}")
    for name, run in (("SGD, all rows a step", recipe_states), (f"Adam, {BATCH} rows a step", states)):
        first, good = (str(n) if n is not None else "-" for n in (first_all_correct(run), all_correct_for_good(run)))
        print(f"   {name:46}{first:>7}{good:>10}{len(run) - 1:5}")
    print("\n   An epoch is one gradient for each row in both. Outside of the margin a row's loss is flat: at the")
    print(f"   end {states[-1].in_margin} of {N_ROWS} rows still push against the penalty's pull to small weights.")
    print(f"   Accuracy on the training rows: {100 * states[-1].correct / N_ROWS:g} %\n")


def plot(path: str, seed: int, model: nn.Module, runs: dict[str, list[State]]) -> None:
    from demos._picture import STYLES, picture
    from nn.plots import plot_decision_boundary

    with picture(path, columns=2) as (left, right):
        plot_decision_boundary(model, *moons(seed), axes=left, resolution=40)
        for (name, states), style in zip(runs.items(), STYLES):
            right.semilogy([seen.loss for seen in states], style, label=name)
        right.set(xlabel="epoch (each row once)", ylabel="E: hinge loss and penalty of all rows")
        right.grid(alpha=0.3)
        right.legend()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.moons", description="micrograd's two moons.")
    parser.add_argument("--seed", type=int, default=SEED, help=f"draws rows, weights and batches (default {SEED})")
    parser.add_argument("--small", action="store_true", help=f"3 steps of the recipe; {EPOCHS_SMALL} epochs of Adam")
    parser.add_argument("--plot", metavar="FILE", help="draw the decision boundary, and E by epoch")
    options = parser.parse_args(argv)

    _, recipe_states = recipe(options.seed, 3 if options.small else RECIPE_EPOCHS)
    show_recipe(options.seed, recipe_states)
    model, states = small_batches(options.seed, EPOCHS_SMALL if options.small else EPOCHS)
    show_small_batches(states, recipe_states)
    print("3. The plane: + where the score is positive, else .; rows of class +1 are O, of class -1 X\n")
    for line in drawing(model, *moons(options.seed)):
        print(f"   {line}")
    if options.plot:
        plot(options.plot, options.seed, model, {"SGD, all rows": recipe_states, f"Adam, {BATCH} rows": states})


if __name__ == "__main__":
    main()
