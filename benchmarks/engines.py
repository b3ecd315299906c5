"""The engines that are compared, one adapter each. An adapter imports its package when a worker calls it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple


class Adapter(NamedTuple):
    """How an engine is used. `start` runs before the leaves of a graph are made, `record` after them (xad's tape)."""

    version: str
    new: Callable[[float], Any]
    backward: Callable[[Any], Any]
    value: Callable[[Any], float]
    gradient: Callable[[Any], float]
    relu: Callable[[Any], Any]
    constant: Callable[[float], Any] = float  # an input: a Value in micrograd's demo, else the number as it is
    start: Callable[[], Any] = lambda: None
    record: Callable[[], Any] = lambda: None


def of_values(kind: Any, version: str) -> Adapter:
    return Adapter(
        version,
        new=kind,
        backward=lambda root: root.backward(),
        value=lambda node: node.data,
        gradient=lambda leaf: leaf.grad,
        relu=lambda x: x.relu(),
        constant=kind,
    )


def ours(backend: str) -> Adapter:
    import autograd

    if autograd.backend != backend:
        raise ImportError(f"this autograd computes in {autograd.backend}: the engine in C was not built")
    return of_values(autograd.Value, version("scalar-autograd"))


def micrograd() -> Adapter:
    from micrograd.engine import Value

    return of_values(Value, version("micrograd"))


def micrograd_uncollected() -> Adapter:
    gc.disable()
    return micrograd()


def own() -> Adapter:
    from own_value import Value

    return of_values(Value, "")


def xad() -> Adapter:
    import xad.adj_1st as engine
    import xad.math

    tape = engine.Tape()
    tape.activate()

    def new(number: float) -> Any:
        leaf = engine.Real(number)
        tape.registerInput(leaf)
        return leaf

    def backward(root: Any) -> None:
        tape.registerOutput(root)
        root.derivative = 1.0
        tape.computeAdjoints()

    return Adapter(
        version("xad"),
        new,
        backward,
        value=lambda node: node.value,
        gradient=lambda leaf: leaf.derivative,
        relu=lambda x: xad.math.max(x, 0.0),
        start=tape.clearAll,
        record=tape.newRecording,
    )


def torch() -> Adapter:
    warnings.filterwarnings("ignore", "Failed to initialize NumPy")  # which is not wanted here
    import torch

    torch.set_num_threads(1)
    return Adapter(
        torch.__version__,
        new=lambda number: torch.tensor(number, dtype=torch.float64, requires_grad=True),
        backward=lambda root: root.backward(),
        value=lambda node: node.item(),
        gradient=lambda leaf: leaf.grad.item(),
        relu=torch.relu,
    )


def hips() -> Adapter:
    """Leaves and backward pass as its `make_vjp` makes them, but for many leaves, each of which keeps its adjoint."""
    import autograd.numpy as numpy
    from autograd.core import VJPNode, backward_pass
    from autograd.tracer import new_box

    adjoints: dict[Any, float] = {}

    def new(number: float) -> Any:
        node = VJPNode.new_root()

        def keep(adjoint: float) -> tuple[()]:
            adjoints[node] = adjoint
            return ()

        node.vjp = keep
        return new_box(number, 0, node)

    return Adapter(
        version("autograd"),
        new,
        backward=lambda root: backward_pass(1.0, root._node),
        value=lambda node: float(node._value),
        gradient=lambda leaf: float(adjoints[leaf._node]),
        relu=lambda x: numpy.maximum(x, 0.0),
        start=adjoints.clear,
    )


def no_graph() -> Adapter:
    return of_values(float, "")


class Engine(NamedTuple):
    title: str
    adapter: Callable[[], Adapter]
    requirement: str = ""  # what pip installs in an environment of its own; without one it runs in this one
    pure: bool = False
    value: str = ""  # the line that microgpt.py imports its Value with
    slow: bool = False  # it takes part in every third round


OURS = "from autograd import Value"
ENGINES = {
    "native": Engine("ours, native", lambda: ours("native"), value=OURS),
    "pure": Engine("ours, pure", lambda: ours("python"), pure=True, value=OURS),
    "micrograd": Engine("micrograd", micrograd),
    "micrograd-uncollected": Engine("micrograd, gc off", micrograd_uncollected),
    "xad": Engine("xad", xad, "xad"),
    "torch": Engine("PyTorch eager", torch, "torch==2.13.0", slow=True),
    "hips": Engine("HIPS autograd", hips, "autograd", slow=True),
    "own": Engine("own class", own, value="from own_value import Value"),
    "floats": Engine("floats, forward", no_graph, value="Value = float"),
}
PEERS = ["micrograd", "micrograd-uncollected", "xad", "torch", "hips"]
