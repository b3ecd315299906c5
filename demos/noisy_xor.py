"""Lecture 004's notebook experiment: XOR learned from 1,000 noisy points, beside the numbers that the notebook prints.

    python -m demos.noisy_xor [--plot FILE] [--small]

Two inputs, two hidden units, one output, all sigmoid: h = sigmoid(W1 x + b1), y = sigmoid(W2 h + b2). The objective is
summed over the rows, E = sum_t 1/2 (y^t - d^t)^2, and every step is p <- p - 0.03 dE/dp, 200 times, with all rows in
each (lecture 004, the notebook's cells 327 and 328). Points and starting weights are those of np.random.seed(1).

The engine ends elsewhere than the notebook. So the notebook's hand-written backward pass is here too, each of its slips
as it stands or mended, and central finite differences judge both it and the engine.

A layer is one matrix (W | b), the bias in its last column; h has one row a unit and one column a point.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

import nn
from autograd import Value

POINTS, STEPS, STEPS_SMALL, ETA = 1000, 200, 20, 0.03
CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
NAMES = ("W1[1,1]", "W1[1,2]", "b1[1]", "W1[2,1]", "W1[2,2]", "b1[2]", "W2[1,1]", "W2[1,2]", "b2[1]")
PRINTED = (
    -3.2933533,
    -3.3736506,
    4.72145779,
    -6.57363912,
    -6.7182171,
    3.46844846,
    9.89952122,
    -9.51866265,
    -4.20933528,
)
PRINTED_OUTPUTS = (0.0258780857113, 0.96419601442, 0.966669564212, 0.0487062060114)

OWN_BIAS, SUMMED = "dbs[l][i] =", "dldhs[l][j] +="  # what the two lines should say


class Experiment(NamedTuple):
    start: list[np.ndarray]
    x: np.ndarray
    d: np.ndarray
    generator: np.random.RandomState  # where it stands after the draws, for cell 329: demos/gradient_check.py


class Run(NamedTuple):
    parameters: np.ndarray  # in the order of NAMES
    outputs: list[float]  # at the CORNERS
    losses: list[float]  # E before every step and after the last


def draw() -> Experiment:
    """The notebook's draws in the notebook's order: W1, W2, b1, b2, the corners, the noise."""
    generator = np.random.RandomState(1)  # the numbers of np.random.seed(1), without a change to NumPy's global state
    start = draw_layers(generator, 0.5)
    corner = generator.rand(2, POINTS) > 0.5
    x = corner + 0.1 * generator.randn(2, POINTS)
    return Experiment(start, x, ((x[0] > 0.5) != (x[1] > 0.5)).astype(float), generator)


def draw_layers(generator: np.random.RandomState, scale: float) -> list[np.ndarray]:
    w1, w2, b1, b2 = (scale * generator.randn(*shape) for shape in ((2, 2), (1, 2), (2, 1), (1, 1)))
    return [np.hstack([w1, b1]), np.hstack([w2, b2])]


def flat(layers: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([layer.ravel() for layer in layers])


def forward(layers: Sequence[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """h^0 = x, h^1, ..., h^L."""
    h = [x]
    for layer in layers:
        h.append(1 / (1 + np.exp(-(layer[:, :-1] @ h[-1] + layer[:, -1:]))))
    return h


def objective(layers: Sequence[np.ndarray], x: np.ndarray, d: np.ndarray) -> float:
    return float(0.5 * np.sum((forward(layers, x)[-1] - d) ** 2))


def by_hand(
    layers: Sequence[np.ndarray], x: np.ndarray, d: np.ndarray, mended: Collection[str], output: Any = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """The notebook's backward pass: dE/d(W | b) of every layer, and dE/dx.

    mended  which of OWN_BIAS and SUMMED are repaired; a plain `=` in a loop over the units i keeps the last i only
            (so does `dbs[l] = ...` after the loop, where i is still the last: a page break leaves open which it is)
    output  where the loss is differentiated: the notebook reads a global `hs`, whatever it holds; here h^L by default
    """
    h = forward(layers, x)
    h_bar = (h[-1] if output is None else output) - d
    gradients = []
    for layer, h_in, h_out in reversed(list(zip(layers, h, h[1:]))):
        z_bar = h_bar * h_out * (1 - h_out)
        b_bar = z_bar.sum(axis=1, keepdims=True)
        if OWN_BIAS not in mended:
            b_bar = np.full_like(b_bar, b_bar[-1])
        gradients.insert(0, np.hstack([z_bar @ h_in.T, b_bar]))
        used = slice(None) if SUMMED in mended else slice(-1, None)
        h_bar = layer[used, :-1].T @ z_bar[used]
    return gradients, h_bar


def central_differences(layers: Sequence[np.ndarray], x: np.ndarray, d: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """(E(p + h) - E(p - h)) / 2h for every parameter p: forward passes only."""
    slopes = []
    moved = [layer.copy() for layer in layers]
    for layer in moved:
        for place in np.ndindex(layer.shape):
            p = layer[place]
            layer[place] = p + step
            above = objective(moved, x, d)
            layer[place] = p - step
            below = objective(moved, x, d)
            layer[place] = p
            slopes.append((above - below) / (2 * step))
    return np.array(slopes)


def engine_model(layers: Sequence[np.ndarray]) -> nn.MLP:
    model = nn.MLP(2, [2, 1], activation="sigmoid", output_activation="sigmoid")
    for parameter, number in zip(model.parameters(), flat(layers)):  # unit by unit, its bias last: as in NAMES
        parameter.data = number
    return model


def engine_objective(model: nn.MLP, experiment: Experiment) -> Value:
    outputs = [model(point) for point in experiment.x.T.tolist()]
    return nn.squared_error(outputs, experiment.d.tolist())  # type: ignore[no-any-return]


def train_by_engine(experiment: Experiment, steps: int) -> Run:
    model = engine_model(experiment.start)
    optimizer, losses = nn.SGD(model.parameters(), lr=ETA), []
    for _ in tqdm(range(steps), desc="the engine learns", unit="step", disable=None, leave=False):
        optimizer.zero_grad()
        loss = engine_objective(model, experiment)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    losses.append(engine_objective(model, experiment).data)
    return Run(np.array([p.data for p in model.parameters()]), [model(corner).data for corner in CORNERS], losses)


def train_by_hand(experiment: Experiment, steps: int, mended: Collection[str] = (), eta: float = ETA) -> Run:
    layers, losses = experiment.start, []
    for _ in range(steps):
        losses.append(objective(layers, experiment.x, experiment.d))
        gradients, _ = by_hand(layers, experiment.x, experiment.d, mended)
        layers = [layer - eta * gradient for layer, gradient in zip(layers, gradients)]
    losses.append(objective(layers, experiment.x, experiment.d))
    return Run(flat(layers), forward(layers, np.array(CORNERS).T)[-1][0].tolist(), losses)


def readings(experiment: Experiment) -> list[tuple[str, float, float]]:
    """Ways to read the notebook: the largest difference to its nine printed parameters, and to its four outputs."""
    runs = {
        "the notebook as it stands": train_by_hand(experiment, STEPS),
        f"{SUMMED} m*Wl[i,j]": train_by_hand(experiment, STEPS, [SUMMED]),
        f"{OWN_BIAS} dldhs[l+1][i]*g": train_by_hand(experiment, STEPS, [OWN_BIAS]),
        "199 steps": train_by_hand(experiment, STEPS - 1),
        "201 steps": train_by_hand(experiment, STEPS + 1),
        "the loss averaged over the rows": train_by_hand(experiment, STEPS, eta=ETA / POINTS),
        "the loss without its 1/2": train_by_hand(experiment, STEPS, eta=2 * ETA),
    }
    pairs = {name: ((run.parameters, PRINTED), (run.outputs, PRINTED_OUTPUTS)) for name, run in runs.items()}
    return [(name, *(float(np.abs(np.subtract(*pair)).max()) for pair in both)) for name, both in pairs.items()]


def gradients_at_the_start(experiment: Experiment) -> np.ndarray:
    """A row for each of NAMES: central difference, the notebook's pass as it stands, the engine's gradient."""
    start, x, d, _ = experiment
    model = engine_model(start)
    engine_objective(model, experiment).backward()
    engine = [p.grad for p in model.parameters()]
    return np.column_stack([central_differences(start, x, d), flat(by_hand(start, x, d, ())[0]), engine])


def plot(path: str, experiment: Experiment, notebook: Run, engine: Run) -> None:
    from demos._picture import STYLES, picture

    runs = (("engine", engine), ("notebook's algorithm", notebook))
    with picture(path, columns=2) as (curve, plane):
        for (name, run), style, colour in zip(runs, STYLES, ("black", "tab:red")):
            curve.plot(run.losses, linestyle=style, color=colour, label=f"{name}, {len(run.losses) - 1} steps")
        curve.set(xlabel="steps", ylabel="E, summed over 1,000 points", yscale="log")
        curve.legend()

        for target, marker, colour in ((0.0, "o", "tab:blue"), (1.0, "+", "tab:orange")):
            chosen = experiment.x[:, experiment.d == target]
            plane.plot(*chosen, marker, color=colour, markersize=3, fillstyle="none", label=f"target {target:g}")
        x1, x2 = np.meshgrid(np.linspace(-0.6, 1.6, 150), np.linspace(-0.6, 1.6, 150))
        for (name, run), style, colour in zip(runs, STYLES, ("black", "tab:red")):
            layers = [run.parameters[:6].reshape(2, 3), run.parameters[6:].reshape(1, 3)]
            y = forward(layers, np.array([x1.ravel(), x2.ravel()]))[-1].reshape(x1.shape)
            plane.contour(x1, x2, y, levels=[0.5], colors=colour, linestyles=style)
            plane.plot([], [], style, color=colour, label=f"$y = 1/2$, {name}")
        plane.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        plane.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize="small")


def show_evidence(experiment: Experiment) -> None:
    print("1. Which reading of the notebook gives the numbers that it prints? Largest difference to them:\n")
    print(f"   {'':46}{'9 parameters':>14}{'4 outputs':>12}")
    for name, parameters, outputs in readings(experiment):
        print(f"   {name:46}{parameters:14.1e}{outputs:12.1e}")
    print("\n   As it stands it gives every printed digit: draws, summed loss with its 1/2, 200 steps and the")
    print("   weights after the last of them are as written, and the missing `+=` changes nothing here. A")
    print("   missing index does: `dbs[l] = ...`, for unit after unit, leaves all the biases of a layer with")
    print("   the last unit's gradient. The printed biases tell: equal gradients never change b1[1] - b1[2].\n")
    for when, (first, second) in (("start", experiment.start[0][:, 2]), ("printed", (PRINTED[2], PRINTED[5]))):
        print(f"   {when:8} {first:.8f} - ({second:11.8f}) = {first - second:.8f}")

    print("\n2. Who is right? dE/dp at the starting weights, beside (E(p + h) - E(p - h)) / 2h with h = 1e-5:\n")
    print(f"   {'':10}{'difference':>14}{'notebook':>14}{'engine':>14}")
    for name, (judge, notebook, engine) in zip(NAMES, gradients_at_the_start(experiment)):
        remark = "   <- that of b1[2]" if abs(notebook - judge) > 1e-6 else ""
        print(f"   {name:10}{judge:14.7f}{notebook:14.7f}{engine:14.7f}{remark}")


def show_results(steps: int, notebook: Run, mended: Run, engine: Run) -> None:
    print(f"\n3. Both results: the notebook's after {STEPS} steps, the right one after {steps}", end="")
    print(":\n" if steps == STEPS else " only (--small):\n")
    print(f"   {'':14}{'notebook':>15}{'its algorithm':>15}{OWN_BIAS + ' ..':>18}{'engine':>14}")
    print(f"   {'':14}{'printed':>15}{f'{STEPS} steps':>15}{f'{steps} steps':>18}{f'{steps} steps':>14}")
    names = [*NAMES, *(f"y at ({a:g}, {b:g})" for a, b in CORNERS)]
    columns = [[*run.parameters, *run.outputs] for run in (notebook, mended, engine)]
    for name, printed, *numbers in zip(names, [*PRINTED, *PRINTED_OUTPUTS], *columns):
        print("   {:14}{:15.8f}{:15.8f}{:18.8f}{:14.8f}".format(name, printed, *numbers))
    for name, at in (("E at the start", 0), ("E at the end", -1)):
        numbers = [run.losses[at] for run in (notebook, mended, engine)]
        print("   {:14}{:>15}{:15.6f}{:18.6f}{:14.6f}".format(name, "plotted", *numbers))

    off = np.abs(engine.parameters - mended.parameters).max()
    apart = np.abs(np.divide(engine.losses, mended.losses) - 1)
    rises = [step for step in range(1, steps + 1) if engine.losses[step] > engine.losses[step - 1]]
    print(f"\n   Engine and mended notebook differ by {off:.0e} at most in a parameter. The step is long for a sum")
    print(f"   of {POINTS:,} losses: E rises in {len(rises)} of {steps} steps, for the last time in step {rises[-1]}.")
    if steps == STEPS:
        print(
            f"   Those leaps enlarge what rounding leaves: up to step 90 the two agree in E to {apart[:91].max():.0e},"
        )
        print(f"   later to {apart.max():.0e}, relatively.")
    print("\n4. The notebook's slips:\n")
    print("   dbs[l] = ...        not harmless: b1[1] moves by the gradient of b1[2]. XOR is learned all the")
    print("                       same, and the notebook's gradient check looks at W only: it can go unseen.")
    print("   dldhs[l][j] = ...   harmless here: the one output makes dE/dh^1 a sum of one term.")
    print("   hs, a global        harmless here: each backward pass follows its own forward pass.")
    print("\n   When they do harm, and how much: python -m demos.gradient_check\n")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.noisy_xor", description="XOR from 1,000 noisy points.")
    parser.add_argument("--plot", metavar="FILE", help="a picture of the loss curves and of what was learned")
    parser.add_argument("--small", action="store_true", help=f"the engine takes {STEPS_SMALL} steps instead of {STEPS}")
    options = parser.parse_args(argv)
    steps = STEPS_SMALL if options.small else STEPS

    print(f"Lecture 004's notebook: XOR from {POINTS:,} noisy points; step {ETA}, all points in every step.\n")
    experiment = draw()
    show_evidence(experiment)
    notebook, mended = train_by_hand(experiment, STEPS), train_by_hand(experiment, steps, [OWN_BIAS])
    engine = train_by_engine(experiment, steps)
    show_results(steps, notebook, mended, engine)
    if options.plot:
        plot(options.plot, experiment, notebook, engine)


if __name__ == "__main__":
    main()
