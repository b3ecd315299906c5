"""Regression on real rows: a network against a linear model, both with the penalty that validation rows choose.

    python -m demos.regression [--seed 0] [--small] [--plot FILE]

442 patients, 10 measurements, and how far their diabetes has gone a year later (scikit-learn's diabetes). Three parts
of the rows have three tasks: the training rows move the weights, the validation rows choose lambda, and the test rows
are asked once, at the end, for the error that the next patients may expect. To minimise is, over the training rows,

    E = 1/T sum_t 1/2 (f(x_t) - d_t)^2 + lambda 1/2 sum_w w^2        over all weights w; the biases are not penalised

(lecture 002, "L2-Regularized regression"; lecture 000, "Real-valued output"), for the linear model f(x) = w . x + b and
for a network 10 -> 5 tanh -> 1. Inputs and targets are standardised by the mean and deviation of the training rows;
errors are roots of mean squared errors in the target's own units. The baseline predicts the training rows' mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import Value
from demos.regularized_regression import Rows, diabetes

N_TRAIN, N_VALIDATION = 242, 100  # the other 100 rows are the test rows
LAMBDAS, LAMBDAS_SMALL = (0.001, 0.01, 0.03, 0.1, 0.3), (0.01, 0.1)
HIDDEN, LR, BATCH, EPOCHS, EPOCHS_SMALL = 5, 0.03, 20, 20, 3


class Split(NamedTuple):
    train: Rows
    validation: Rows
    test: Rows


class Fit(NamedTuple):
    """A trained model, and its errors on the rows that may be looked at before the choice of lambda."""

    lam: float
    model: nn.Module
    train: float
    validation: float


class Verdict(NamedTuple):
    """The linear model's squared error minus the network's: the mean over the test rows, and its standard error."""

    difference: float
    standard_error: float

    @property
    def words(self) -> str:
        if abs(self.difference) <= 2 * self.standard_error:
            return "neither; they cannot be told apart"
        return "the network" if self.difference > 0 else "the linear model"


def split(seed: int) -> Split:
    """The rows, shuffled by `seed`; the inputs of all three parts standardised by those of the first."""
    train, others = diabetes(N_TRAIN, seed)
    parts = (slice(None, N_VALIDATION), slice(N_VALIDATION, None))
    return Split(train, *(Rows(train.names, others.x[part], others.t[part]) for part in parts))


def weights(model: nn.Module) -> list[Value]:
    return [parameter for name, parameter in model.named_parameters() if not name.endswith("bias")]


def standardised_targets(train: Rows) -> list[float]:
    return ((train.t - train.t.mean()) / train.t.std()).tolist()


def linear_model(train: Rows, lam: float) -> nn.Module:
    """E is quadratic and smooth: L-BFGS, on all the rows, is at its minimum after a few dozen gradients."""
    model, targets = nn.Neuron(len(train.names), activation=None, seed=0), standardised_targets(train)

    def risk() -> Any:
        return nn.empirical_risk(
            model, train.x, targets, nn.squared_error, lambda parameters: lam * nn.l2_penalty(weights(model))
        )

    nn.minimize(risk, model.parameters(), tolerance=1e-5)
    return model


def network(train: Rows, lam: float, epochs: int = EPOCHS) -> nn.Module:
    """E has no single minimum: Adam on small batches, the learning rate falling to 0."""
    model = nn.MLP(len(train.names), [HIDDEN, 1], seed=0)
    optimizer = nn.Adam(model.parameters(), lr=LR)
    nn.fit(
        model, train.x, standardised_targets(train), nn.squared_error, optimizer, epochs, batch_size=BATCH, seed=0,
        penalty=lambda parameters: lam * nn.l2_penalty(weights(model)),
        callbacks=[nn.CosineAnnealingLR(optimizer, T_max=epochs)], progress=False,
    )  # fmt: skip
    return model


def predictions(model: nn.Module, train: Rows, x: np.ndarray) -> np.ndarray:
    """In the target's own units."""
    return np.array(nn.predict(model, x)) * train.t.std() + train.t.mean()


def error(predicted: np.ndarray | float, t: np.ndarray) -> float:
    return float(np.sqrt(np.mean((predicted - t) ** 2)))


def path(data: Split, train_model: Callable[[Rows, float], nn.Module], lambdas: Sequence[float]) -> list[Fit]:
    fits = []
    for lam in lambdas:
        model = train_model(data.train, lam)
        errors = (error(predictions(model, data.train, rows.x), rows.t) for rows in (data.train, data.validation))
        fits.append(Fit(lam, model, *errors))
    return fits


def chosen(fits: Sequence[Fit]) -> Fit:
    return min(fits, key=lambda fit: fit.validation)


def verdict(data: Split, linear: nn.Module, mlp: nn.Module) -> Verdict:
    """Both models see the same test rows, so that what makes a row hard for both cancels in the difference."""
    squares = [(predictions(model, data.train, data.test.x) - data.test.t) ** 2 for model in (linear, mlp)]
    differences = squares[0] - squares[1]
    return Verdict(float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences))))


def show_paths(linear: Sequence[Fit], mlp: Sequence[Fit]) -> None:
    print("1. Errors over lambda; * is where the validation error is least\n")
    print(f"   {'':8}{'linear model':>24}{'network':>26}")
    print(f"   {'lambda':>8}" + f"{'train':>13}{'validation':>13}" * 2)
    for fits in zip(linear, mlp):
        marks = ["*" if fit is chosen(whole) else " " for fit, whole in zip(fits, (linear, mlp))]
        cells = (f"{fit.train:13.2f}{fit.validation:12.2f}{mark}" for fit, mark in zip(fits, marks))
        print(f"   {fits[0].lam:8g}{''.join(cells)}".rstrip())
    gains = [fits[0].validation - chosen(fits).validation for fits in (linear, mlp)]
    first = linear[0].lam
    print("\n   At the minimum of E a larger lambda never lowers the training error. It may lower the validation")
    print("   error, while it takes more from the fit to chance than from the fit to what is there: from")
    print(f"   lambda = {first:g} to * by {gains[0]:.2f} for the linear model, by {gains[1]:.2f} for the network.\n")


def show_test(data: Split, linear: Fit, mlp: Fit) -> None:
    n, baseline = len(data.test.t), error(float(data.train.t.mean()), data.test.t)
    print(f"2. The {n} test rows, asked once\n")
    print(f"   {'':24}{'lambda':>8}{'parameters':>12}{'test error':>12}{'variance explained':>22}")
    print(f"   {'baseline: the mean':24}{'':8}{1:12}{baseline:12.2f}{0:20.1f} %")
    for name, fit in (("linear model", linear), ("network", mlp)):
        found = error(predictions(fit.model, data.train, data.test.x), data.test.t)
        size = len(fit.model.parameters())
        print(f"   {name:24}{fit.lam:8g}{size:12}{found:12.2f}{100 * (1 - (found / baseline) ** 2):20.1f} %")
    judged = verdict(data, linear.model, mlp.model)
    difference, wins = f"{judged.difference:.0f} over the {n} rows", judged.words
    print(f"\n   Squared error, linear model minus network: mean {difference}, with a standard error")
    print(f"   of {judged.standard_error:.0f}. Who wins, if two standard errors are asked for: {wins}.")


def plot(path: str, paths: dict[str, Sequence[Fit]]) -> None:
    from demos._picture import MARKERS, STYLES, picture

    with picture(path) as axes:
        for (name, fits), marker, colour in zip(paths.items(), MARKERS, ("tab:blue", "tab:orange")):
            lambdas = [fit.lam for fit in fits]
            for kind, style in zip(("validation", "train"), STYLES):
                errors = [getattr(fit, kind) for fit in fits]
                axes.semilogx(lambdas, errors, style, marker=marker, color=colour, label=f"{name}, {kind}")
            best = chosen(fits)
            axes.plot(best.lam, best.validation, marker, color=colour, markersize=12, markeredgecolor="black",
                      label=f"{name}, chosen")  # fmt: skip
        axes.set(xlabel="penalty $\\lambda$", ylabel="root mean squared error")
        axes.grid(alpha=0.3)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize="small")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.regression", description="A network and a linear model.")
    parser.add_argument("--seed", type=int, default=0, help="splits the rows (default 0)")
    parser.add_argument("--small", action="store_true", help=f"two lambdas, {EPOCHS_SMALL} epochs of the network")
    parser.add_argument("--plot", metavar="FILE", help="draw the errors over lambda")
    options = parser.parse_args(argv)

    data, lambdas = split(options.seed), LAMBDAS_SMALL if options.small else LAMBDAS
    epochs = EPOCHS_SMALL if options.small else EPOCHS
    sizes = ", ".join(f"{len(rows.t)} {name}" for name, rows in data._asdict().items())
    print(f"Diabetes rows, seed {options.seed}: {sizes}\n")
    linear = path(data, linear_model, lambdas)
    mlp = path(data, lambda train, lam: network(train, lam, epochs), lambdas)
    show_paths(linear, mlp)
    show_test(data, chosen(linear), chosen(mlp))
    if options.plot:
        plot(options.plot, {"linear model": linear, "network": mlp})


if __name__ == "__main__":
    main()
