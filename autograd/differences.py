"""Slopes of any function by difference quotients, extrapolated over several steps, with an estimate of their error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

from autograd.dispatch import as_float
from autograd.value import Value

Function = Callable[[Sequence[Any]], Sequence[Any]]  # of a list of numbers or Values, to one

KINK = "a kink, the slopes on its two sides differ"
EDGE = "not defined, or not finite, on both sides"
STEPS = [1e-2 / 4**i for i in range(9)]  # down to 1.5e-7, a little below the cube root of the precision
WINDOW = 4  # so many steps in a row make an estimate


class Estimate(NamedTuple):
    """What a witness says of a slope, how far off it may be, and why it cannot judge ("" where it can)."""

    value: float
    error: float
    doubt: str = ""
    size: float = 0.0  # of the function around there


def steps_for(x: float) -> list[list[float]]:
    """Steps that suit a function of x + 1, and those that suit ln x, which near 0 are others."""
    return [[scale * step for step in STEPS] for scale in dict.fromkeys([max(1.0, abs(x)), abs(x) or 1.0])]


def quotients(g: Function, xs: list[float], i: int, families: list[list[float]]) -> list[Estimate]:
    """The slope of each result of g in the direction of input i."""

    def at(x: float) -> list[float]:
        try:
            results = numbers_of(g([*xs[:i], x, *xs[i + 1 :]]))
        except (ArithmeticError, ValueError):
            results = []
        return results if len(results) == len(here) else [math.nan] * len(here)

    here = numbers_of(g(xs))
    windows: list[list[Estimate]] = [[] for _ in here]
    for steps in families:
        samples = [((xs[i] + h) - (xs[i] - h), at(xs[i] - h), at(xs[i] + h)) for h in steps]
        for start, m in product(range(max(1, len(steps) - WINDOW + 1)), range(len(here))):
            window = [(width, below[m], above[m]) for width, below, above in samples[start : start + WINDOW]]
            estimate = _extrapolated(here[m], window)
            if math.isfinite(estimate.error):
                windows[m].append(estimate)
    return [_best(estimates) for estimates in windows]


def _extrapolated(here: float, window: list[tuple[float, float, float]]) -> Estimate:
    """One step of Richardson's extrapolation, (16 D(h/4) - D(h)) / 15, for each pair of steps; they should agree."""
    width = window[-1][0]
    if not width:
        return Estimate(math.nan, math.nan)
    slopes = [(above - below) / width for width, below, above in window]
    ends = [(16 * fine - coarse) / 15 for coarse, fine in pairwise(slopes)] or slopes
    size = max(max(abs(below), abs(above)) for _, below, above in window)
    noise = 16 * sys.float_info.epsilon * size / width
    error = max(ends) - min(ends) + noise
    bends = [2 * abs(above - here + (below - here)) / width for width, below, above in window]
    # The slopes on the two sides of x differ by this: less and less as h shrinks, unless there is a kink.
    if bends[-1] > 0.5 * bends[0] and bends[-1] > 10 * error:
        return Estimate(ends[-1], bends[-1], KINK)
    return Estimate(ends[-1], error, size=size)


def _best(estimates: list[Estimate]) -> Estimate:
    smooth = min((e for e in estimates if not e.doubt), key=lambda e: e.error, default=None)
    kinked = min((e for e in estimates if e.doubt), key=lambda e: e.error, default=None)
    if smooth and not (kinked and smooth.error > 1e-3 * kinked.error):  # small steps may stay clear of the kink
        return smooth
    return kinked or Estimate(math.nan, math.nan, EDGE)


def numbers_of(results: Sequence[Any]) -> list[float]:
    return [result.data if type(result) is Value else as_float(result) for result in results]
