"""JAX: the whole step in jit, called for each step or as the body of lax.fori_loop."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from compilers import Task
from jax import numpy as jnp
from jax.scipy.special import erf

jax.config.update("jax_enable_x64", True)

ACTIVATIONS = {
    "relu": lambda z: jnp.maximum(z, 0.0),
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    None: lambda z: z,
}
LOSSES = {
    "squared": lambda outputs, targets: jnp.sum((outputs - targets) ** 2),
    "hinge": lambda outputs, targets: jnp.sum(jnp.maximum(1.0 - targets * outputs, 0.0)),
    "cross-entropy": lambda outputs, targets: -jnp.sum(targets * jax.nn.log_softmax(outputs)),
}


def version() -> str:
    return f"JAX {jax.__version__}"


class Functions:
    exp, log, sqrt, tanh, sin, erf = jnp.exp, jnp.log, jnp.sqrt, jnp.tanh, jnp.sin, erf


def network(problem: Any, threads: int, way: str) -> Task:
    X, targets = map(jnp.asarray, problem.data(problem.rows))
    state = [(jnp.asarray(W), jnp.asarray(b)) for W, b in problem.layers(problem.parameters())]
    names = [problem.hidden] * (len(state) - 1) + [problem.output]

    def loss_of(layers: Any, X: Any, targets: Any) -> Any:
        h = X
        for (W, b), name in zip(layers, names):
            h = ACTIVATIONS[name](h @ W.T + b)
        loss = LOSSES[problem.loss](h, targets) / (1 if problem.reduction == "sum" else len(X))
        return loss + problem.penalty * sum(jnp.sum(W * W) + jnp.sum(b * b) for W, b in layers)

    def stepped(layers: Any, X: Any, targets: Any) -> Any:
        gradient = jax.grad(loss_of)(layers, X, targets)
        return jax.tree.map(lambda p, g: p - problem.rate * g, layers, gradient)

    step = jax.jit(stepped)
    # The number of steps is an operand, so that one compiled loop serves all.
    loop = jax.jit(lambda n, layers, *data: jax.lax.fori_loop(0, n, lambda i, layers: stepped(layers, *data), layers))

    def numbers() -> tuple[list[float], np.ndarray]:
        loss, gradient = jax.jit(jax.value_and_grad(loss_of))(state, X, targets)
        return [float(loss)], np.concatenate([np.ravel(part) for layer in gradient for part in layer])

    def run(steps: int) -> None:
        nonlocal state
        if way == "loop":
            state = jax.block_until_ready(loop(steps, state, X, targets))
            return
        for _ in range(steps):
            state = jax.block_until_ready(step(state, X, targets))

    return Task(numbers, run)


def function(problem: Any, threads: int, way: str) -> Task:
    x = jnp.asarray(problem.columns().T.copy())  # rows x inputs: the faster layout for it
    rows = jax.jit(jax.vmap(jax.value_and_grad(lambda row: problem.formula(row, Functions))))

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        values, partials = rows(x)
        return np.asarray(values), np.asarray(partials).T

    def run(steps: int) -> None:
        for _ in range(steps):
            jax.block_until_ready(rows(x))

    return Task(numbers, run)
