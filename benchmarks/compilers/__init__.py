"""Those who are compared, a module each with `version()` and what it makes of a problem, `network`, `function`, `tape`.

A module imports its package when it is imported, in a worker process; this file imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Task(NamedTuple):
    """A problem that is ready. `run(steps)` goes on from where the last call left the parameters."""

    numbers: Callable[[], tuple[Sequence[float], Sequence[float]]]  # values and gradients where the parameters are now
    run: Callable[[int], Any]
    learns: bool = True  # a step of a network moves the parameters
    short: int = 0  # the steps of a short run that is subtracted from a long one: what happens once is not a step
    least: int = 1  # steps are done in multiples of this


class Unfit(Exception):
    """Why a problem is left out."""


class Compiler(NamedTuple):
    title: str
    module: str
    way: str = ""
    requirement: str = ""  # what pip installs in an environment of its own; without one it runs in this one
    room: str = ""  # the name of that environment
    pure: bool = False
    problems: tuple[str, ...] = ("network", "function")


TORCH, JAX, CASADI, DDX = "torch==2.13.0 numpy", "jax numpy", "casadi numpy", "ddx-ad numpy"
COMPILERS = {
    "c": Compiler("hand-written C", "hand_written"),
    "ours": Compiler("ours", "ours", problems=("network", "function", "tape")),
    "ours-call": Compiler("ours, a call", "ours", "call", problems=("network",)),
    "numpy": Compiler("NumPy by hand", "by_hand"),
    "torch": Compiler("PyTorch eager", "torch", "eager", TORCH, "torch-numpy"),
    "torch.compile": Compiler("torch.compile", "torch", "compile", TORCH, "torch-numpy"),
    "jax": Compiler("jax.jit, a step", "jax", "step", JAX, "jax"),
    "jax-loop": Compiler("jax.jit, a loop", "jax", "loop", JAX, "jax", problems=("network",)),
    "casadi": Compiler("CasADi VM", "casadi", "vm", CASADI, "casadi", problems=("network", "function", "tape")),
    "casadi-c": Compiler("CasADi C", "casadi", "c", CASADI, "casadi"),
    "ddx": Compiler("ddx-ad", "ddx", "", DDX, "ddx", problems=("network", "function", "tape")),
}
PEERS = [name for name in COMPILERS if name not in ("c", "ours", "ours-call")]
