"""Where the weights start. Each function draws one weight for a layer with n_in inputs and n_out outputs.

The variance keeps the activations (1 / n_in) and the adjoints (1 / n_out) from growing or dying on their way through
many layers; Xavier's 2 / (n_in + n_out) is the compromise between the two (lecture 003, "Parameter Initialization").
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from random import Random
from typing import Any

from autograd.dispatch import as_int, plain


def generator_of(seed: Any) -> Random:
    """What draws: a Random as it is, else a new one from the seed, the same for 3 and numpy.int64(3)."""
    return seed if isinstance(seed, Random) else Random(plain(seed))


def _spread(square: float, *sizes: Any) -> float:
    """sqrt(square / the sum of the sizes); of NumPy's ints the sum could overflow."""
    return sqrt(square / sum(map(as_int, sizes)))


def xavier_normal(n_in: int, n_out: int, generator: Random) -> float:
    """A draw from N(0, sigma^2), sigma = sqrt(2 / (n_in + n_out)): Xavier or Glorot, for tanh and sigmoid.

    >>> xavier_normal(2, 3, Random(0))
    0.595593117291618
    """
    return generator.gauss(0.0, _spread(2, n_in, n_out))


def xavier_uniform(n_in: int, n_out: int, generator: Random) -> float:
    """A draw from U(-a, a), a = sqrt(6 / (n_in + n_out)); the variance is that of `xavier_normal`.

    >>> xavier_uniform(2, 3, Random(0))
    0.7545904695118557
    """
    a = _spread(6, n_in, n_out)
    return generator.uniform(-a, a)


def he_normal(n_in: int, n_out: int, generator: Random) -> float:
    """A draw from N(0, sigma^2), sigma = sqrt(2 / n_in): He or Kaiming, for ReLU, which halves the variance.

    >>> he_normal(2, 3, Random(0))
    0.9417154046806644
    """
    return generator.gauss(0.0, _spread(2, n_in))


def he_uniform(n_in: int, n_out: int, generator: Random) -> float:
    """A draw from U(-a, a), a = sqrt(6 / n_in); the variance is that of `he_normal`.

    >>> he_uniform(2, 3, Random(0))
    1.193112292156655
    """
    a = _spread(6, n_in)
    return generator.uniform(-a, a)


INITIALIZERS: dict[str, Callable[[int, int, Random], float]] = {
    function.__name__: function for function in (xavier_normal, xavier_uniform, he_normal, he_uniform)
}
