"""A small network learns XOR from the four rows of its truth table.

    python -m demos.xor [--seed 7] [--small] [--plot FILE]

Two inputs, four tanh units, one logit z; the probability of "1" is sigmoid(z), and the loss is the binary
cross-entropy, taken from the logit. No straight line separates the rows, so the hidden layer has to bend the plane
first. Gradient descent uses all four rows in every step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

import nn
from autograd import Value, sigmoid

TRUTH_TABLE = (((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0))
HIDDEN, LEARNING_RATE, STEPS, STEPS_SMALL = 4, 1.0, 300, 200


def logit(model: nn.MLP, inputs: Sequence[float]) -> Value:
    output = model(inputs)
    assert isinstance(output, Value), "one output is a Value, not a list"
    return output


def mean_loss(model: nn.MLP) -> Value:
    """The mean binary cross-entropy over the four rows."""
    logits = [logit(model, inputs) for inputs, _ in TRUTH_TABLE]
    return nn.binary_cross_entropy_with_logits(logits, [target for _, target in TRUTH_TABLE])  # type: ignore[no-any-return]


def train(seed: int = 0, steps: int = STEPS, watched: bool = False) -> tuple[nn.MLP, list[float]]:
    """A model trained from the weights that `seed` draws, and its loss before every step and after the last.

    `watched` shows the way: a progress bar on a terminal, else a line for every tenth of it.
    """
    model = nn.MLP(2, [HIDDEN, 1], activation="tanh", seed=seed)
    optimizer = nn.SGD(model.parameters(), lr=LEARNING_RATE)
    on_a_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    bar = tqdm(range(steps), desc="learning XOR", unit="step", disable=not (watched and on_a_terminal))
    losses = []
    for step in bar:
        loss = mean_loss(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        if watched and not on_a_terminal and step % max(1, steps // 10) == 0:
            print(f"step {step:4d}   loss {loss:.4f}")
    losses.append(mean_loss(model).data)
    return model, losses


def probabilities(model: nn.MLP) -> list[float]:
    """What the model says of each row of the truth table: its probability of a 1."""
    return [sigmoid(logit(model, inputs).data) for inputs, _ in TRUTH_TABLE]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.xor", description="A small network learns XOR.")
    parser.add_argument("--seed", type=int, default=0, help="draws the weights to start from (default 0)")
    parser.add_argument("--small", action="store_true", help=f"{STEPS_SMALL} steps instead of {STEPS}")
    parser.add_argument("--plot", metavar="FILE", help="draw the plane as the network sees it, and the loss")
    options = parser.parse_args(argv)
    steps = STEPS_SMALL if options.small else STEPS

    print(f"{nn.MLP(2, [HIDDEN, 1])} learns XOR: {steps} steps, learning rate {LEARNING_RATE}, seed {options.seed}\n")
    model, losses = train(options.seed, steps, watched=True)
    print(f"step {steps:4d}   loss {losses[-1]:.4f}   (it was {losses[0]:.4f})\n")

    print("x1  x2   XOR   probability   answer")
    right = 0
    for (inputs, target), probability in zip(TRUTH_TABLE, probabilities(model)):
        answer = int(probability > 0.5)
        right += answer == target
        verdict = "right" if answer == target else "wrong"
        print(f"{inputs[0]:2.0f}  {inputs[1]:2.0f}   {target:3.0f}   {probability:11.4f}   {answer:d} {verdict}")
    print(f"\n{right} of {len(TRUTH_TABLE)} rows right.")
    if options.plot:
        from demos._picture import picture

        with picture(options.plot, columns=2) as (plane, curve):
            inputs, targets = zip(*TRUTH_TABLE)
            nn.plot_decision_boundary(model, inputs, targets, axes=plane)
            curve.plot(losses)
            curve.set(xlabel="step", ylabel="mean binary cross-entropy", yscale="log")


if __name__ == "__main__":
    main()
