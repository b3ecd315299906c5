"""Record what PyTorch's own optimisers and schedules do into optimizers.json, which test_optimizers.py reads.

    pip install torch, then: python tests/nn/data/record_optimizers.py

Every optimiser takes 20 steps, in doubles, on f(w) = (1 - w_0)^2 + 10 (w_1 - w_0^2)^2 + cos(3 w_2) + w_2^2 / 4;
those that keep nothing of the past take steps with given gradients of all sizes; schedules act alone and together.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

START = [-0.6, 1.2, 2.5]
STEPS = 20
OPTIMIZERS = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.005, "momentum": 0.9}),
    ("SGD", {"lr": 0.005, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.005, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.2}),
    ("Adam", {"lr": 0.3, "betas": [0.9, 0.5], "amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.3, "betas": [0.9, 0.5], "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "momentum": 0.5, "centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.3, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3}),
]
SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 4, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 20}),
    ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 10}),
]
GRADIENTS = [1e16, 1.0, -3.0, 1e-8, 2e10, 0.5, -1e-3, 7.0]
FORGETFUL = [
    *(
        (name, {"lr": 0.1, "betas": betas})
        for name in ("Adam", "AdamW")
        for betas in ([0.0, 0.0], [0.0, 0.5], [0.5, 0.0])
    ),
    ("Adam", {"lr": 0.1, "betas": [0.3, 0.2], "amsgrad": True}),
    ("RMSprop", {"lr": 0.1, "alpha": 0.25, "eps": 1e-3, "centered": True}),
]
TOGETHER = [
    [("LinearLR", {"start_factor": 0.1, "total_iters": 3}), ("StepLR", {"step_size": 2, "gamma": 0.5})],
    [("StepLR", {"step_size": 2, "gamma": 0.5}), ("LinearLR", {"start_factor": 0.1, "total_iters": 3})],
    [("LinearLR", {}), ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.05})],
    [("CosineAnnealingLR", {"T_max": 3}), ("StepLR", {"step_size": 4})],
    [("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 4, "gamma": 0.5})],
    [("LinearLR", {}), ("CosineAnnealingLR", {"T_max": 5}), ("StepLR", {"step_size": 5, "gamma": 0.5})],
]


def function(w: torch.Tensor) -> torch.Tensor:
    return (1 - w[0]) ** 2 + 10 * (w[1] - w[0] ** 2) ** 2 + torch.cos(3 * w[2]) + w[2] ** 2 / 4


def trajectory(name: str, settings: dict, max_norm: float | None = None, schedule: tuple | None = None) -> dict:
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], **settings)
    scheduler = schedule and getattr(torch.optim.lr_scheduler, schedule[0])(optimizer, **schedule[1])
    points, rates, norms = [], [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        function(w).backward()
        if max_norm is not None:
            norms.append(float(torch.nn.utils.clip_grad_norm_([w], max_norm)))
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        points.append(w.tolist())
        if scheduler:
            scheduler.step()
    return (
        {"optimizer": name, "settings": settings, "points": points}
        | ({"max_norm": max_norm, "norms": norms} if norms else {})
        | ({"schedule": schedule, "rates": rates} if schedule else {})
    )


def steps_along(name: str, settings: dict) -> dict:
    w = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], **settings)
    points = []
    for gradient in GRADIENTS:
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        points.append(float(w))
    return {"optimizer": name, "settings": settings, "gradients": GRADIENTS, "points": points}


def rates_of(schedules: list) -> dict:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedulers = [getattr(torch.optim.lr_scheduler, name)(optimizer, **settings) for name, settings in schedules]
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return {"schedules": schedules, "rates": rates}


def main() -> None:
    rows = [trajectory(name, settings) for name, settings in OPTIMIZERS]
    rows.append(trajectory("SGD", {"lr": 0.05}, max_norm=2.0))
    rows += [trajectory("SGD", {"lr": 0.01}, schedule=schedule) for schedule in SCHEDULES]
    record = {
        "torch": torch.__version__,
        "start": START,
        "rows": rows,
        "forgetful": [steps_along(name, settings) for name, settings in FORGETFUL],
        "together": [rates_of(schedules) for schedules in TOGETHER],
    }
    text = json.dumps(record).replace('{"opt', '\n{"opt').replace('{"sch', '\n{"sch')
    Path(__file__).with_name("optimizers.json").write_text(text + "\n")
    print(f"{len(rows)} trajectories of {STEPS} steps recorded with torch {torch.__version__}.")


if __name__ == "__main__":
    main()
