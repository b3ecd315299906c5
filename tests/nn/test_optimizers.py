"""Optimisers and schedules beside PyTorch's recorded trajectories, L-BFGS beside closed forms, and what they refuse."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

import autograd
import nn
from autograd import Value

RECORD = json.loads((Path(__file__).parent / "data" / "optimizers.json").read_text())
OPTIMIZERS = {"SGD": nn.SGD, "Adam": nn.Adam, "AdamW": nn.AdamW, "RMSprop": nn.RMSprop, "Adagrad": nn.Adagrad}
SCHEDULES = {"StepLR": nn.StepLR, "CosineAnnealingLR": nn.CosineAnnealingLR, "LinearLR": nn.LinearLR}


def function(w):
    """The function of data/record_optimizers.py."""
    return (1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2 + autograd.cos(3 * w[2]) + w[2] ** 2 / 4


def name_of(row):
    return " ".join(map(str, (row["optimizer"], *row["settings"].items(), *row.get("schedule", ()))))


@pytest.mark.parametrize("row", RECORD["rows"], ids=name_of)
def test_twenty_steps_are_pytorchs(row):
    w = [Value(number) for number in RECORD["start"]]
    optimizer = OPTIMIZERS[row["optimizer"]](w, **row["settings"])
    schedule = "schedule" in row and SCHEDULES[row["schedule"][0]](optimizer, **row["schedule"][1])
    for step, point in enumerate(row["points"]):
        optimizer.zero_grad()
        function(w).backward()
        if "max_norm" in row:
            assert nn.clip_grad_norm(w, row["max_norm"]) == pytest.approx(row["norms"][step], rel=1e-12)
        if schedule:
            assert optimizer.lr == pytest.approx(row["rates"][step], rel=1e-12, abs=1e-17)
        optimizer.step()
        if schedule:
            schedule.step()
        assert [v.data for v in w] == pytest.approx(point, rel=1e-12), f"step {step}"


@pytest.mark.parametrize("engine", [None, "eager", "compiled"])
@pytest.mark.parametrize("row", RECORD["forgetful"], ids=name_of)
def test_steps_that_forget_the_past_are_pytorchs(row, engine):
    """By hand, and as trainings on rows x of the loss w x, whose gradient is x; compiled, Adam and AdamW step in C."""
    line = Line()
    optimizer = OPTIMIZERS[row["optimizer"]]([line.w], **row["settings"])
    points = []
    for gradient in row["gradients"]:
        if engine is None:
            line.w.grad = gradient
            optimizer.step()
        else:
            nn.fit(line, [gradient], [0.0], lambda product, _: product, optimizer, 1, progress=False, engine=engine)
        points.append(line.w.data)
    assert points == pytest.approx(row["points"], rel=1e-12)


class Line(nn.Module):
    def __init__(self):
        self.w = Value(0.0)

    def __call__(self, x):
        return self.w * x[0]


@pytest.mark.parametrize("row", RECORD["together"], ids=lambda row: " ".join(name for name, _ in row["schedules"]))
def test_schedules_of_one_optimizer_act_together_as_pytorchs(row):
    optimizer = nn.SGD([Value(1.0)], lr=1.0)
    schedules = [SCHEDULES[name](optimizer, **settings) for name, settings in row["schedules"]]
    rates = []
    for _ in row["rates"]:
        rates.append(optimizer.lr)
        for schedule in schedules:
            schedule.step()
    assert rates == pytest.approx(row["rates"], rel=1e-12, abs=1e-15)


def test_a_schedule_scales_what_the_rate_was_set_to_and_a_warm_up_from_0_adds():
    optimizer = nn.SGD([Value(1.0)], lr=1.0)
    schedule = nn.StepLR(optimizer, step_size=1, gamma=0.5)
    optimizer.lr = 0.2
    schedule.step()
    assert optimizer.lr == pytest.approx(0.1, rel=1e-15)
    optimizer = nn.SGD([Value(1.0)], lr=1.0)
    schedules = [nn.LinearLR(optimizer, 0.0, 1.0, 4), nn.StepLR(optimizer, 2, 0.5)]
    rates = [optimizer.lr]
    for _ in range(4):
        for schedule in schedules:
            schedule.step()
        rates.append(optimizer.lr)
    assert rates == pytest.approx([0.0, 0.25, 0.25, 0.375, 0.25], rel=1e-15)


def test_the_record_has_every_optimizer_and_schedule_twice_and_twenty_steps():
    rows = RECORD["rows"]
    assert all(len(row["points"]) == 20 for row in rows)
    for name in OPTIMIZERS:
        assert sum(row["optimizer"] == name for row in rows) >= 2, name
    for name in SCHEDULES:
        assert sum(row.get("schedule", [""])[0] == name for row in rows) == 2, name


def test_a_step_goes_against_the_gradient():
    # lecture 001: u_1 new = -0.22 - 0.5 (-0.0171)
    u = Value(-0.22)
    u.grad = -0.0171
    optimizer = nn.SGD([u], lr=0.5)
    optimizer.step()
    assert u.data == -0.22 - 0.5 * -0.0171
    optimizer.zero_grad()
    assert u.grad == 0.0


@pytest.mark.parametrize("make", OPTIMIZERS.values())
def test_a_gradient_of_zero_moves_nothing_even_with_eps_0(make):
    w = Value(2.0)
    settings = {"eps": 0.0} if make is not nn.SGD else {}
    optimizer = make([w], lr=0.1, **(settings | ({"weight_decay": 0.0} if make is nn.AdamW else {})))
    optimizer.step()
    assert w.data == 2.0


@pytest.mark.parametrize("make", OPTIMIZERS.values())
def test_an_interrupt_at_any_line_leaves_a_whole_step_or_none(make):
    def take_steps(interrupt_after):
        """Two steps; in the second one an interrupt after that many lines. Then what a third step makes of it."""
        w = [Value(1.0), Value(-2.0)]
        optimizer = make(w, lr=0.1, weight_decay=0.1)
        lines = 0

        def trace(frame, event, argument):
            nonlocal lines
            lines += event == "line"
            if lines > interrupt_after:
                raise KeyboardInterrupt
            return trace

        interrupted = False
        for step in range(3):
            for v in w:
                v.grad = 0.5 + step
            previous = sys.gettrace()
            try:
                if step == 1:
                    sys.settrace(trace)
                optimizer.step()
            except KeyboardInterrupt:
                interrupted = True
            finally:
                sys.settrace(previous)
            if step == 1:
                after = [v.data for v in w]
        return interrupted, after, [v.data for v in w], optimizer.steps

    _, whole, third, _ = take_steps(10**9)
    interrupt_after, outcomes = 0, set()
    while True:
        interrupted, after, end, steps = take_steps(interrupt_after)
        assert (steps == 3) == (after == whole)
        assert steps in (2, 3)
        if steps == 3:
            assert end == third
        outcomes.add(steps)
        if not interrupted:
            break
        interrupt_after += 1
    assert outcomes == {2, 3}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.SGD([], lr=0.1), "no parameters"),
        (lambda: nn.SGD([Value(1.0)], lr=-0.1), "-0.1"),
        (lambda: nn.SGD([Value(1.0)], lr=math.nan), "nan"),
        (lambda: nn.SGD([Value(1.0)], nesterov=True), "momentum above 0"),
        (lambda: nn.SGD([Value(1.0)], momentum=1.0), "momentum below 1"),
        (lambda: nn.SGD([Value(1.0)], weight_decay=-1.0), "weight_decay"),
        (lambda: nn.Adam([Value(1.0)], betas=(0.9, 1.0)), "beta2 below 1"),
        (
            lambda: nn.AdamW([Value(1.0)], betas=0.9),
            r"(?s)needs two betas, got 0.9.*Write AdamW\(.*betas=\(0.9, 0.999\)",
        ),
        (lambda: nn.Adam([Value(1.0)], betas=(0.9,)), "two betas"),
        (lambda: nn.Adam([Value(1.0)], eps=-1e-8), "eps"),
        (lambda: nn.RMSprop([Value(1.0)], alpha=1.5), "alpha below 1"),
        (lambda: nn.Adagrad([Value(1.0)], lr_decay=math.inf), "lr_decay"),
        (lambda: nn.StepLR(nn.SGD([Value(1.0)]), 0), "step_size"),
        (lambda: nn.CosineAnnealingLR(nn.SGD([Value(1.0)]), 0), "T_max"),
        (lambda: nn.LinearLR(nn.SGD([Value(1.0)]), total_iters=0), "total_iters"),
        (lambda: nn.clip_grad_norm([Value(1.0)], -1.0), "max_norm"),
    ],
)
def test_they_refuse_nonsense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("parameters", [nn.MLP(2, [1]), nn.MLP(2, [1]).parameters, [1.0, 2.0], 3.0])
def test_only_values_can_be_moved(parameters):
    with pytest.raises(TypeError, match=r"Write Adam\(model.parameters\(\), lr=0.1\)"):
        nn.Adam(parameters)


# ------------------------------------------------------------------------------------------------------- L-BFGS


def test_minimize_finds_the_least_squares_solution():
    rows = [((1.0, 2.0), 1.0), ((2.0, -1.0), 3.0), ((0.5, 0.3), -1.0), ((-1.0, 1.5), 0.2)]
    u, v = Value(0.0), Value(0.0)
    losses = []
    result = nn.minimize(
        lambda: autograd.sum(nn.squared_error(u * a + v * b, d) for (a, b), d in rows), [u, v], callback=losses.append
    )
    # The normal equations by Cramer's rule.
    aa, ab, bb = (sum(x[i] * x[j] for x, _ in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    ad, bd = (sum(x[i] * d for x, d in rows) for i in (0, 1))
    determinant = aa * bb - ab * ab
    expected = ((ad * bb - bd * ab) / determinant, (bd * aa - ad * ab) / determinant)
    assert (u.data, v.data) == pytest.approx(expected, rel=1e-9)
    assert result.success and losses == sorted(losses, reverse=True)
    assert type(u.data) is float


def test_minimize_leaves_the_last_iterate_when_it_is_interrupted():
    x, y = Value(-1.0), Value(2.0)
    iterates = [(-1.0, 2.0)]

    def stop_at_the_fifth(loss):
        iterates.append(None)
        if len(iterates) == 6:
            raise KeyboardInterrupt

    rosenbrock = lambda: (1 - x) ** 2 + 100 * (y - x * x) ** 2  # noqa: E731
    before = rosenbrock().data
    with pytest.raises(KeyboardInterrupt):
        nn.minimize(rosenbrock, [x, y], callback=stop_at_the_fifth)
    assert len(iterates) == 6
    assert rosenbrock().data < before


def test_minimize_puts_the_parameters_back_when_the_objective_fails():
    x = Value(1.0)
    with pytest.raises(ZeroDivisionError):
        nn.minimize(lambda: x / 0, [x])
    assert x.data == 1.0
