"""A network as the familiar diagram: layers of circles, and each weight a line from circle to circle."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from autograd.drawing.dot import FONT, escape, largest, line, strength, tint
from autograd.formatting import short, shown

PARAMETER = re.compile(r"(?:(?P<layer>.+?)\.)??(?:neurons\.(?P<neuron>\d+)\.)?(?:weights\.(?P<weight>\d+)|bias)")
GAP, STEP = 150, 46  # points between two layers, and between two neurons of one
PLAIN = {"shape": "plaintext", "fixedsize": "false", "fillcolor": "none"}


class Neuron(NamedTuple):
    weights: list[float]
    bias: float


class Layer(NamedTuple):
    title: str
    neurons: list[Neuron]


def layers_of(model: Any) -> list[Layer]:
    """The layers of a model whose parameters are called, as those of nn.MLP, ``layers.0.neurons.2.weights.1``.

    Raises ValueError when they are called otherwise, or a layer has not one weight for each neuron of the layer before.
    """
    layers: dict[str, dict[int, Neuron]] = {}
    for name, parameter in model.named_parameters():
        found = PARAMETER.fullmatch(name)
        if found is None:
            raise ValueError(refusal(f"its parameter {shown(name)} is no weight or bias of a neuron"))
        neurons = layers.setdefault(found["layer"] or "", {})
        place = int(found["neuron"] or 0)
        neuron = neurons.get(place, Neuron([], 0.0))
        if found["weight"] is None:
            neuron = neuron._replace(bias=parameter.data)
        else:
            neuron.weights.append(parameter.data)
        neurons[place] = neuron
    result = [Layer(title(model, path), list(neurons.values())) for path, neurons in layers.items()]
    if not result:
        raise ValueError(refusal("it has no parameters"))
    n_inputs = len(result[0].neurons[0].weights)
    for layer in result:
        if any(len(neuron.weights) != n_inputs for neuron in layer.neurons):
            raise ValueError(refusal(f"{shown(layer.title)} does not have {n_inputs} weight(s) in each neuron"))
        n_inputs = len(layer.neurons)
    return result


def refusal(reason: str) -> str:
    return (
        f"This model cannot be drawn as layers of neurons: {reason}.\n"
        "  The diagram is for layers that each take all outputs of the layer before, as in nn.MLP.\n"
        "  Write draw(model(row), model=model) for the graph of its result."
    )


def title(model: Any, path: str) -> str:
    """The name of a layer and, where it says so, its activation."""
    for part in filter(None, path.split(".")):
        model = model[int(part)] if part.isdigit() else getattr(model, part)
    activation = getattr(model, "activation", None)
    name = re.sub(r"s?\.(\d+)", r" \1", path) or "output"
    return f"{name}\n{activation}" if isinstance(activation, str) else name


def dot_text(layers: list[Layer], direction: str, digits: int, colour: bool, most: int) -> str:
    """The DOT text: every circle at a place of its own, no layout to compute. A layer shows at most `most` circles."""
    import graphviz

    graph = graphviz.Digraph("network")
    graph.attr(layout="neato", inputscale="72", splines="line", bgcolor="white", outputorder="edgesfirst")
    graph.attr("node", fontname=FONT, fontsize="9", shape="circle", width="0.48", fixedsize="true", pin="true")
    graph.attr("node", style="filled", fillcolor="white", color="#555555", margin="0")
    graph.attr("edge", fontname=FONT, dir="none", color="#555555")
    sizes = [len(layers[0].neurons[0].weights), *(len(layer.neurons) for layer in layers)]
    shown = [size if size <= most else most - 1 for size in sizes]
    rows = [min(size, most) for size in sizes]
    strongest = largest(neuron.bias for layer in layers for neuron in layer.neurons)
    for column, (size, count) in enumerate(zip(sizes, shown)):
        spots = [place(direction, column, (rows[column] - 1) / 2 - row) for row in range(rows[column])]
        for row in range(count):
            if column == 0:
                graph.node(f"i{row}", label=f"x{row + 1}", pos=spots[row], tooltip=f"input {row + 1}", color="#999999")
                continue
            bias = layers[column - 1].neurons[row].bias
            fill = {"fillcolor": tint(bias, strength(bias, strongest))} if colour else {}
            label, tip = short(bias, min(digits, 2)), f"neuron {row}, bias {bias!r}"
            graph.node(f"l{column - 1}_{row}", label=label, pos=spots[row], tooltip=tip, **fill)
        if count < size:
            graph.node(f"more{column}", label=f"… {size - count:,} more", pos=spots[-1], **PLAIN)
        caption = layers[column - 1].title if column else "input"
        text = "<BR/>".join(map(escape, caption.split("\n")))
        graph.node(f"caption{column}", label=f"<{text}>", pos=place(direction, column, max(rows) / 2 + 0.3), **PLAIN)
    strongest = largest(weight for layer in layers for neuron in layer.neurons for weight in neuron.weights)
    for column, layer in enumerate(layers):
        for row, neuron in enumerate(layer.neurons[: shown[column + 1]]):
            for source, weight in enumerate(neuron.weights[: shown[column]]):
                tail = f"i{source}" if column == 0 else f"l{column - 1}_{source}"
                look = line(weight, strength(weight, strongest) ** 2)
                if not colour:
                    look.pop("color")
                graph.edge(tail, f"l{column}_{row}", tooltip=f"weight {weight!r}", **look)
    return str(graph.source)


def place(direction: str, column: int, offset: float) -> str:
    """The point for a neuron `offset` neurons above the middle of its layer, or left of it where layers are rows."""
    along, across = column * GAP * (1 if direction in ("LR", "BT") else -1), offset * STEP
    x, y = (along, across) if direction in ("LR", "RL") else (-across, along)
    return f"{x:g},{y:g}!"


def listing(layers: list[Layer]) -> str:
    """The shape of the network in one line, as nn.MLP writes it."""
    sizes = [str(len(layers[0].neurons[0].weights))]
    sizes += [f"{len(layer.neurons)} {layer.title.partition(chr(10))[2]}".strip() for layer in layers]
    return f"Drawing of a network, {' -> '.join(sizes)}"
