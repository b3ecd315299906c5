"""NumPy with gradients by hand: for networks what gradients.py does, for functions what limit.c does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradients
import numpy as np
from compilers import Task, Unfit


def version() -> str:
    return f"NumPy {np.__version__}"


def network(problem: Any, threads: int, way: str) -> Task:
    X, targets = problem.data(problem.rows)
    parameters = problem.parameters()

    def numbers() -> tuple[list[float], np.ndarray]:
        loss, gradient = gradients.of_network(problem, parameters, X, targets)
        return [loss], gradient

    def run(steps: int) -> None:
        for _ in range(steps):
            parameters[:] -= problem.rate * gradients.of_network(problem, parameters, X, targets)[1]

    return Task(numbers, run)


def options(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    c, c3 = 0.7978845608028654, 0.044715
    prices, weights, volatilities, (strike, rate, yield_, time) = x[0:4], x[4:8], x[8:12], x[12:16]
    basket, u = (weights * prices).sum(0), weights * volatilities
    variance = (u * u).sum(0)
    vol = np.sqrt(variance * time)
    drift = np.log(basket / strike) + (rate - yield_) * time
    d1 = drift / vol + 0.5 * vol
    d2 = d1 - vol
    t1, t2 = np.tanh(c * (d1 + c3 * d1 * d1 * d1)), np.tanh(c * (d2 + c3 * d2 * d2 * d2))
    n1, n2, growth, discount = 0.5 + 0.5 * t1, 0.5 + 0.5 * t2, np.exp(-yield_ * time), np.exp(-rate * time)
    a, b = basket * growth, strike * discount
    price = a * n1 - b * n2
    decay, t3 = np.exp(-x[18] * price), np.tanh(x[19] * d1)

    price_bar, t3_bar = x[16] - x[17] * x[18] * decay, 1 - t3 * t3
    a_bar, b_bar = price_bar * n1, -price_bar * n2
    d2_bar = -0.5 * c * price_bar * b * (1 - t2 * t2) * (1 + 3 * c3 * d2 * d2)
    d1_bar = 0.5 * c * price_bar * a * (1 - t1 * t1) * (1 + 3 * c3 * d1 * d1) + t3_bar * x[19] + d2_bar
    drift_bar, vol_bar = d1_bar / vol, d1_bar * (0.5 - drift / (vol * vol)) - d2_bar
    root_bar = 0.5 * vol_bar / vol
    basket_bar, u_bar = a_bar * growth + drift_bar / basket, 2 * root_bar * time * u
    g[0:4], g[4:8], g[8:12] = basket_bar * weights, basket_bar * prices + u_bar * volatilities, u_bar * weights
    g[12], g[13] = b_bar * discount - drift_bar / strike, (drift_bar - b_bar * b) * time
    g[14] = -(drift_bar + a_bar * a) * time
    g[15] = drift_bar * (rate - yield_) - a_bar * a * yield_ - b_bar * b * rate + root_bar * variance
    g[16], g[17], g[18], g[19] = price, decay, -x[17] * decay * price, t3_bar * d1
    return x[16] * price + x[17] * decay + t3


def waves(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    try:
        from scipy.special import erf
    except ImportError:
        raise Unfit("NumPy has no erf, and scipy is not installed") from None
    phase, beat_phase, squares = x[0] * x[1] + x[2], x[5] * x[0], x[3] * x[3] + x[4] * x[4] + 1.0
    length, beat = np.sqrt(squares), np.sin(beat_phase)
    under_log = squares + x[5] * x[5]
    ratio, level = np.sin(phase) / length, np.log(under_log)
    inner = ratio * level - x[5]
    step = erf(inner)

    inner_bar = length * 1.1283791670955126 * np.exp(-inner * inner)
    ratio_bar, level_bar = x[1] + inner_bar * level, beat + inner_bar * ratio
    log_bar, phase_bar = level_bar / under_log, ratio_bar / length * np.cos(phase)
    twice_squares_bar = 2 * log_bar + (step - ratio_bar * ratio / length) / length
    beat_bar = level * np.cos(beat_phase)
    g[0], g[1], g[2] = phase_bar * x[1] + beat_bar * x[5], phase_bar * x[0] + ratio, phase_bar
    g[3], g[4] = twice_squares_bar * x[3], twice_squares_bar * x[4]
    g[5] = 2 * log_bar * x[5] - inner_bar + beat_bar * x[0]
    return step * length + ratio * x[1] + level * beat


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"options": options, "waves": waves}


def function(problem: Any, threads: int, way: str) -> Task:
    x, formula = problem.columns(), FORMULAS[problem.formula.__name__]
    g = np.empty_like(x)

    def run(steps: int) -> None:
        for _ in range(steps):
            formula(x, g)

    return Task(lambda: (formula(x, g), g), run)
