"""PyTorch: eager with its optimizer, or the gradient and the update in one graph by torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from compilers import Task
from torch.func import grad_and_value
from torch.nn import functional

torch.set_default_dtype(torch.float64)

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    None: lambda z: z,
}
LOSSES = {
    "squared": lambda outputs, targets: ((outputs - targets) ** 2).sum(),
    "hinge": lambda outputs, targets: torch.relu(1.0 - targets * outputs).sum(),
    "cross-entropy": lambda outputs, targets: -(targets * torch.log_softmax(outputs, 1)).sum(),
}


def version() -> str:
    return f"PyTorch {torch.__version__}"


def flat(parts: Any) -> np.ndarray:
    return np.concatenate([part.detach().numpy().ravel() for part in parts])


def network(problem: Any, threads: int, way: str) -> Task:
    torch.set_num_threads(threads)
    X, targets = map(torch.tensor, problem.data(problem.rows))
    state = [torch.tensor(part) for layer in problem.layers(problem.parameters()) for part in layer]
    names = [problem.hidden] * (len(state) // 2 - 1) + [problem.output]

    def loss_of(state: list[torch.Tensor]) -> torch.Tensor:
        h = X
        for W, b, name in zip(state[::2], state[1::2], names):
            h = ACTIVATIONS[name](functional.linear(h, W, b))
        loss = LOSSES[problem.loss](h, targets) / (1 if problem.reduction == "sum" else len(X))
        return loss + problem.penalty * sum((part * part).sum() for part in state) if problem.penalty else loss

    return compiled(loss_of, state, problem.rate) if way == "compile" else eager(loss_of, state, problem.rate)


def eager(loss_of: Callable[[Any], torch.Tensor], state: list[torch.Tensor], rate: float) -> Task:
    for part in state:
        part.requires_grad_()
    optimizer = torch.optim.SGD(state, lr=rate)

    def differentiate() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(state)
        loss.backward()
        return loss

    def numbers() -> tuple[list[float], np.ndarray]:
        return [differentiate().item()], flat(part.grad for part in state)

    def run(steps: int) -> None:
        for _ in range(steps):
            differentiate()
            optimizer.step()

    return Task(numbers, run)


def compiled(loss_of: Callable[[Any], torch.Tensor], state: list[torch.Tensor], rate: float) -> Task:
    torch._dynamo.reset()

    def step(state: list[torch.Tensor]) -> tuple[list[torch.Tensor], Any, torch.Tensor]:
        gradient, loss = grad_and_value(loss_of)(state)
        return [p - rate * g for p, g in zip(state, gradient)], gradient, loss

    fast = torch.compile(step)

    def numbers() -> tuple[list[float], np.ndarray]:
        with torch.no_grad():
            _, gradient, loss = fast(state)
        return [loss.item()], flat(gradient)

    def run(steps: int) -> None:
        nonlocal state
        with torch.no_grad():
            for _ in range(steps):
                state = fast(state)[0]

    return Task(numbers, run)


class Functions:
    exp, log, sqrt, tanh, sin, erf = torch.exp, torch.log, torch.sqrt, torch.tanh, torch.sin, torch.erf


def function(problem: Any, threads: int, way: str) -> Task:
    torch.set_num_threads(threads)
    columns = [torch.tensor(column) for column in problem.columns()]  # a tensor for each input: faster than one for all

    def eager(columns: list[torch.Tensor]) -> tuple[torch.Tensor, Any]:
        leaves = [column.detach().requires_grad_() for column in columns]
        values = problem.formula(leaves, Functions)
        return values.detach(), torch.autograd.grad(values.sum(), leaves)

    def whole(columns: list[torch.Tensor]) -> tuple[torch.Tensor, Any]:
        def total(columns: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
            values = problem.formula(columns, Functions)
            return values.sum(), values

        partials, (_, values) = grad_and_value(total, has_aux=True)(columns)
        return values, partials

    if way == "compile":
        torch._dynamo.reset()
    rows = torch.compile(whole) if way == "compile" else eager

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        values, partials = rows(columns)
        return values.numpy(), flat(partials)

    def run(steps: int) -> None:
        for _ in range(steps):
            rows(columns)

    return Task(numbers, run)
