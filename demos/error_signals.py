"""Error signals, layer by layer, and why the chain rule is multiplied out backwards: multiplications counted.

    python -m demos.error_signals [--small] [--plot FILE]

1. delta_k^i = dL/dz_k,in^i by the recursion of lecture 001, "Backpropagation: formalism", beside the engine's adjoints:
   delta_k^O = (f_k,out - y_k) sigma'(f_k,in) and delta_k^i = sum_m delta_m^(i+1) w_k,m^(i+1) sigma'(z_k,in^i) for
   L = 1/2 ||f_out - y||^2; then dL/dW_j,k^i = delta_k^i z_j,out^(i-1) and dL/db_k^i = delta_k^i.
2. Forward and backward accumulation over one recorded graph (lecture 001, "Backward computation and caching"). An edge
   leads from a node to a parent that depends on a weight, and carries a local derivative. Both orders multiply along
   edges:
     backward   p_bar += c_bar dc/dp for every child c of p: every edge once, and all weights are served
     forward    c_dot = sum over the parents p of dc/dp p_dot: one sweep for each weight, over what depends on it
     by path    no caching at all: one product for each path from the loss to a weight
3. The same for one input and many outputs, where forward accumulation is the cheaper one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import autograd
import nn
from autograd import Value, topological_order

SIZES, INPUTS, TARGETS = (4, 4, 2), (0.5, -1.0, 2.0), (1.0, 0.0)

# (what varies, [(inputs, width, hidden layers), ...])
NETWORKS = (
    ("the slides' XOR network", [(2, 2, 1)]),
    ("more inputs", [(4, 4, 2), (8, 4, 2), (16, 4, 2), (32, 4, 2)]),
    ("wider", [(4, 2, 2), (4, 4, 2), (4, 8, 2), (4, 16, 2)]),
    ("deeper", [(4, 4, 1), (4, 4, 2), (4, 4, 4), (4, 4, 8)]),
)


class Neuron(NamedTuple):
    """The error signal of one neuron: by recursion, by the engine, and by the slide's last line as it is printed."""

    layer: int
    number: int
    z_in: float
    z_out: float
    delta: float
    engine: float
    as_printed: float | None


def error_signals(seed: int = 0) -> tuple[list[Neuron], float]:
    """Every neuron, last layer first, and the largest difference of a weight's derivative to the engine's."""
    model = nn.MLP(len(INPUTS), SIZES, "sigmoid", "sigmoid", seed=seed)
    outs: list[list[Value]] = [[Value(x) for x in INPUTS]]
    for layer in model.layers:
        outs.append(layer.forward(outs[-1]))
    nn.squared_error(outs[-1], TARGETS).backward()

    neurons: list[Neuron] = []
    differences: list[float] = []
    later: list[float] = []  # the error signals of layer i + 1
    for i in range(len(SIZES), 0, -1):
        deltas = []
        for k, (out, neuron) in enumerate(zip(outs[i], model.layers[i - 1].neurons)):
            slope, as_printed = out.data * (1 - out.data), None
            if i == len(SIZES):
                delta = (out.data - TARGETS[k]) * slope
            else:
                w = [following.weights[k].data for following in model.layers[i].neurons]  # w_k,m^(i+1) for all m
                delta = sum(later[m] * w[m] for m in range(len(w))) * slope
                as_printed = sum(later[k] * w[m] for m in range(len(w))) * slope if k < len(later) else None
            (z_in,) = out.parents
            neurons.append(Neuron(i, k + 1, z_in.data, out.data, delta, z_in.grad, as_printed))
            differences += [abs(delta * outs[i - 1][j].data - w.grad) for j, w in enumerate(neuron.weights)]
            differences.append(abs(delta - neuron.bias.grad))
            deltas.append(delta)
        later = deltas
    return neurons, max(differences)


class Graph:
    """What was recorded for some outputs: nodes in topological order, and the local derivatives on the edges."""

    def __init__(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.nodes = list(dict.fromkeys(node for output in outputs for node in topological_order(output)))
        self.edges: dict[Value, list[tuple[Value, float]]] = {}  # of a node: its parents that depend on an input
        depends = set(inputs)
        for node in self.nodes:
            if node.parents:
                partials = node.operation.partials(node.data, [parent.data for parent in node.parents])
                edges = [(parent, partial) for parent, partial in zip(node.parents, partials) if parent in depends]
                if edges:
                    depends.add(node)
                    self.edges[node] = edges

    def backward(self, output: Value) -> tuple[list[float], int]:
        """d output / d each input by one sweep, and how many multiplications it took."""
        adjoint, multiplications = {output: 1.0}, 0
        for node in reversed(self.nodes):
            if node in adjoint:
                for parent, partial in self.edges.get(node, ()):
                    adjoint[parent] = adjoint.get(parent, 0.0) + adjoint[node] * partial
                    multiplications += 1
        return [adjoint.get(x, 0.0) for x in self.inputs], multiplications

    def forward(self, x: Value) -> tuple[list[float], int]:
        """d each output / d x by one sweep, and how many multiplications it took; those by a known 0 are skipped."""
        tangent, multiplications = {x: 1.0}, 0
        for node in self.nodes:
            terms = [partial * tangent[p] for p, partial in self.edges.get(node, ()) if p in tangent]
            if terms:
                tangent[node] = autograd.sum(terms)
                multiplications += len(terms)
        return [tangent.get(output, 0.0) for output in self.outputs], multiplications

    def by_path(self, output: Value) -> int:
        """The multiplications of one product per path from `output` to an input, as many as the path has edges."""
        paths, lengths = {output: 1}, {output: 0}  # for each node: how many paths lead to it, how long they are in all
        for node in reversed(self.nodes):
            if node in paths:
                for parent, _ in self.edges.get(node, ()):
                    paths[parent] = paths.get(parent, 0) + paths[node]
                    lengths[parent] = lengths.get(parent, 0) + lengths[node] + paths[node]
        return sum(lengths.get(x, 0) for x in self.inputs)


class Count(NamedTuple):
    """Multiplications for every d output / d input, and the largest difference between the results of the orders."""

    inputs: int
    outputs: int
    nodes: int
    edges: int
    backward: int
    forward: int
    by_path: int
    difference: float


def count(inputs: Sequence[Value], outputs: Sequence[Value]) -> Count:
    graph = Graph(inputs, outputs)
    rows, backward = zip(*(graph.backward(output) for output in outputs))
    columns, forward = zip(*(graph.forward(x) for x in inputs))
    difference = max(abs(rows[o][i] - columns[i][o]) for o in range(len(outputs)) for i in range(len(inputs)))
    by_path = sum(graph.by_path(output) for output in outputs)
    edges = sum(map(len, graph.edges.values()))
    return Count(len(inputs), len(outputs), len(graph.nodes), edges, sum(backward), sum(forward), by_path, difference)


def count_network(inputs: int, width: int, hidden: int) -> Count:
    """The loss of one row of a sigmoid network, differentiated with respect to its weights and biases."""
    model = nn.MLP(inputs, [width] * hidden + [1], "sigmoid", "sigmoid", seed=0)
    return count(model.parameters(), [nn.squared_error(model([1.0] * inputs), 1.0)])


def count_curve(outputs: int) -> Count:
    """A network with one input and many outputs, differentiated with respect to its input."""
    x = Value(0.5, "x")
    ys = nn.MLP(1, [4, outputs], "sigmoid", seed=0)([x])
    return count([x], ys if isinstance(ys, list) else [ys])


def show_error_signals() -> None:
    neurons, difference = error_signals()
    sizes = " -> ".join(map(str, (len(INPUTS), *SIZES)))
    print(f"1. delta = dL/dz_in in a sigmoid network {sizes}, x = {INPUTS}, y = {TARGETS}\n")
    print("   layer  neuron      z_in     z_out     delta:  recursion       engine     slide's last line")
    for n in neurons:
        printed = f"{n.as_printed:13.8f}" if n.as_printed is not None else f"{'-':>13}"
        numbers = f"{n.z_in:10.6f}{n.z_out:10.6f}{n.delta:19.8f}{n.engine:13.8f}"
        print(f"   {n.layer:5d}{n.number:8d}{numbers}       {printed}")
    print(
        f"\n   dL/dW_j,k = delta_k z_j,out and dL/db_k = delta_k differ from the engine's by at most {difference:.1e}."
    )
    print("   Each delta is computed once and serves all weights into its neuron. The slide's last line, as")
    print("   transcribed, has delta_k^(i+1) for delta_m^(i+1) in the sum over m: a wrong number, or none where")
    print("   layer i + 1 has no neuron k. Its vector form, W^(i+1) delta^(i+1) (.) sigma'(z_in^i), is right.\n")


def show_orders() -> None:
    print("2. Multiplications for the derivatives of the loss of one row with respect to all weights and biases")
    print("   (the local derivative of + is 1, but its edges count like all others; ratio: forward to backward)\n")
    print("   inputs  width  hidden  weights  edges  backward  forward   ratio  weights x edges       by path")
    counts = []
    for what, networks in NETWORKS:
        print(f"   {what}")
        for inputs, width, hidden in networks:
            c = count_network(inputs, width, hidden)
            counts.append(c)
            numbers = f"{c.inputs:9d}{c.edges:7d}{c.backward:10d}{c.forward:9d}{c.forward / c.backward:8.1f}"
            print(f"   {inputs:6d}{width:7d}{hidden:8d}{numbers}{c.inputs * c.edges:17d}{c.by_path:14d}")
    difference = max(c.difference for c in counts)
    print(f"\n   Both orders give the same derivatives, up to {difference:.1e}. Backward multiplies once an edge,")
    print("   whatever the number of weights. Forward starts anew for each weight; it stays below weights x")
    print("   edges since it skips what the weight does not reach. Without a cache, each further layer")
    print("   multiplies the number of paths.\n")


def show_the_other_way() -> None:
    print("3. One input, many outputs: dy_o/dx of a network 1 -> 4 sigmoid -> outputs\n")
    print("   outputs  edges  backward  forward")
    for outputs in (1, 2, 4, 8, 16):
        c = count_curve(outputs)
        print(f"   {outputs:7d}{c.edges:7d}{c.backward:10d}{c.forward:9d}")
    print("\n   Here one forward sweep does for all (autograd.jvp), and backward needs one for each output")
    print("   (autograd.jacobian). A loss is a single number of many weights: hence backpropagation.")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.error_signals", description="Why backwards.")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    parser.add_argument("--plot", metavar="FILE", help="draw the multiplications of part 2 by width and by depth")
    options = parser.parse_args(argv)
    show_error_signals()
    show_orders()
    show_the_other_way()
    if options.plot:
        draw(options.plot)


def draw(path: str) -> None:
    from demos._picture import MARKERS, STYLES, picture

    panels = (("width of two hidden layers", 1, NETWORKS[2][1]), ("hidden layers of width 4", 2, NETWORKS[3][1]))
    with picture(path, columns=2) as axes:
        for axis, (what, position, networks) in zip(axes, panels):
            sizes, counts = [network[position] for network in networks], [count_network(*n) for n in networks]
            for order, style, marker in zip(("by path", "forward", "backward"), STYLES, MARKERS):
                multiplications = [getattr(c, order.replace(" ", "_")) for c in counts]
                axis.loglog(sizes, multiplications, style, marker=marker, label=order)
            axis.set_xlabel(what)
            axis.set_ylabel("multiplications")
            axis.set_xticks(sizes, map(str, sizes))
            axis.minorticks_off()
            axis.grid(alpha=0.3)
            axis.legend()


if __name__ == "__main__":
    main()
