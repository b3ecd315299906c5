"""Pictures of training and of networks, drawn by matplotlib, an optional extra (`plot`).

Each function draws on `axes`, or on a new figure when there are none, and returns the axes, to be named, saved and
drawn on: `axes.figure.savefig("loss.png")`. A notebook shows a new figure by itself; at Python's own prompt, and in a
script that has imported matplotlib.pyplot, `pyplot.show()` does. Legends stand above the axes, so a title is best given
by `axes.figure.suptitle("XOR")`.
"""

from __future__ import annotations

import re
import sys
from math import isfinite
from typing import Any

import autograd
from autograd import Value, no_grad
from autograd.formatting import shown
from nn.modules import MLP, Module
from nn.optimizers import gradient_norm
from nn.rows import checked_rows, rows_of
from nn.training import History, predict

# The colours of Okabe and Ito, which all kinds of colour vision tell apart; in black and white the markers do.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
ENDS = {"converged": "o", "interrupted": "s", "diverged": "X"}
MOST_UNITS, FEW_UNITS = 16, 8  # a layer of more than 16 is drawn as its first 8
RADIUS = 0.38  # of a unit, in distances between two units of a layer
WIDEST = 4.0  # points, the line of the largest weight


def new_figure(size: tuple[float, float] = (6.0, 4.5), shown: bool = False) -> Any:
    """An empty matplotlib figure of `size` inches; with `shown`, one that pyplot keeps, shows and closes.

    Without matplotlib, ImportError says what to install.
    """
    make: Any
    try:
        if shown:
            from matplotlib.pyplot import figure as make
        else:
            from matplotlib.figure import Figure as make
    except ImportError:
        raise ImportError(
            "Pictures need matplotlib, which is not installed.\n  It is optional: training works without it.\n"
            "  Run: pip install matplotlib"
        ) from None
    return make(figsize=size, layout="constrained")


def plot_history(history: History, axes: Any = None) -> Any:
    """The loss of each epoch, and the validation loss if there is one, with a mark on how the training ended.

    The scale is logarithmic where the losses are positive and span more than two decades. Returns the axes.

    >>> from nn import SGD, Neuron, fit, squared_error
    >>> line = Neuron(1, activation=None, seed=0)
    >>> history = fit(line, [0, 1], [1, 3], squared_error, SGD(line.parameters(), lr=0.1), epochs=9, progress=False)
    >>> plot_history(history).get_ylabel()
    'loss'

    Raises TypeError for what is no History, ValueError for one without a whole epoch.
    """
    if not isinstance(history, History):
        raise TypeError(
            f"plot_history takes what fit returns, got {type(history).__name__}: {shown(history)}.\n"
            "  A History has the losses of all epochs and knows how the training ended.\n"
            "  Write plot_history(nn.fit(model, X, y, loss, optimizer, epochs=100))."
        )
    if not history.epochs:
        raise ValueError(
            f"{history} has no whole epoch to draw.\n"
            "  The training ended in the first one: it diverged, was interrupted, or was to have none.\n"
            "  Write nn.SGD(model.parameters(), lr=...) with a smaller learning rate, and epochs=1 or more."
        )
    losses = {"training": history.loss, "validation": history.validation_loss}
    axes = _axes(axes, (6.0, 4.0))
    for (name, numbers), colour, style in zip(losses.items(), (COLOURS[0], COLOURS[4]), ("-", "--")):
        if numbers:
            dot = "." if len(numbers) == 1 else None
            axes.plot(range(1, len(numbers) + 1), numbers, linestyle=style, marker=dot, color=colour, label=name)
    n = len(history.epochs)
    for end, marker in ENDS.items():
        if getattr(history, end):
            label = f"{end} after {n} epoch{'s' * (n > 1)}"
            axes.plot([n], history.loss[-1:], marker, color="black", markersize=7, label=label)
    axes.set(xlabel="epoch", ylabel="loss", yscale=_scale(history.loss + history.validation_loss))
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    _legend(axes)
    return axes


def plot_decision_boundary(
    model: Module, X: Any, y: Any, axes: Any = None, threshold: float | None = None, resolution: int = 60
) -> Any:
    """What a model of two inputs predicts in the plane: the region of each class, the line between, the rows on top.

    model       one output: class 1 where it is above the threshold; several: the class of the largest
    X, y        T rows of two numbers and their classes: 0 and 1, or -1 and +1, or for K outputs 0 to K - 1
    threshold   of a single output: by default 0.5 if the model ends in a sigmoid, else 0.0 (logits, scores)
    resolution  the model is asked at resolution x resolution points

    Returns the axes.

    >>> model = MLP(2, [3, 1], seed=0)
    >>> axes = plot_decision_boundary(model, [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0], resolution=10)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['y = 0', 'y = 1', 'output = 0']

    Raises ValueError for rows that are not pairs, for other classes and for too few or too many targets.
    """
    import numpy as np  # imported here, so that `import nn` stays instant

    rows, targets = checked_rows(X, y)
    if len(rows[0]) != 2:
        raise ValueError(
            f"A decision boundary is drawn in the plane of two inputs; the rows of X have {len(rows[0])}.\n"
            "  The two axes are the two inputs.\n"
            "  Write X = [row[:2] for row in X], and train a model of two inputs on these columns."
        )
    if resolution < 2:
        raise ValueError(
            f"resolution must be at least 2, got {resolution}.\n"
            "  The model is asked at so many points along each axis.\n  Write resolution=60."
        )
    points = np.array(rows)
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, 0.1 * (high - low), 1.0)
    x1, x2 = np.linspace(low - room, high + room, resolution).T
    outputs = np.array(predict(model, [(a, b) for b in x2 for a in x1])).reshape(resolution, resolution, -1)
    n_outputs = outputs.shape[-1]
    classes = _classes(targets, n_outputs)
    if threshold is None:
        last = model.layers[-1] if isinstance(model, MLP) else model
        threshold = 0.5 if getattr(last, "activation", None) in ("sigmoid", autograd.sigmoid) else 0.0
    if n_outputs == 1:
        leads = [threshold - outputs[..., 0], outputs[..., 0] - threshold]
    else:
        # Where three regions meet, the leads have a kink that the outputs do not have: these can be interpolated.
        ticks = np.arange(resolution)
        hats = np.maximum(0.0, 1 - abs(np.linspace(0, resolution - 1, 4 * resolution)[:, None] - ticks))
        x1, x2, outputs = hats @ x1, hats @ x2, np.einsum("ai,bj,ijk->abk", hats, hats, outputs, optimize=True)
        leads = [outputs[..., k] - np.delete(outputs, k, axis=-1).max(axis=-1) for k in range(n_outputs)]

    axes = _axes(axes, (5.5, 4.5))
    for k, (label, lead) in enumerate(zip(classes, leads)):
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        if lead.max() > 0:
            axes.contourf(x1, x2, lead, levels=[0, lead.max()], colors=[colour], alpha=0.3)
        if k and lead.min() < 0 < lead.max():  # the border of the first region is the border of the others
            axes.contour(x1, x2, lead, levels=[0], colors="black", linewidths=1.5)
        mine = points[[target == label for target in targets]]
        axes.plot(*mine.T, marker, color=colour, markeredgecolor="black", markersize=7, label=f"y = {label}")
    axes.plot([], [], "-", color="black", label=f"output = {threshold:g}" if n_outputs == 1 else "boundary")
    names = getattr(X, "columns", ("$x_1$", "$x_2$"))
    axes.set(xlabel=str(names[0]), ylabel=str(names[1]))
    _legend(axes)
    return axes


def _classes(targets: list[Any], n_outputs: int) -> tuple[int, ...]:
    known = [tuple(range(n_outputs))] if n_outputs > 1 else [(0, 1), (-1, 1)]
    for classes in known:
        if all(target in classes for target in targets):
            return classes
    unknown = next(target for target in targets if target not in known[0])
    raise ValueError(
        f"For {n_outputs} output{'s' * (n_outputs > 1)} y holds the classes "
        f"{f'0 to {n_outputs - 1}' if n_outputs > 1 else '0 and 1, or -1 and +1'}; got {shown(unknown)}.\n"
        "  Each row is drawn in the colour of its class.\n"
        "  Write numpy.argmax(y, axis=1) for targets with one number per class."
    )


def plot_network(model: MLP, inputs: Any = None, axes: Any = None) -> Any:
    """A multilayer perceptron as layers of circles and a line for each weight, the wider the larger.

    Weights above 0 are solid and blue, below 0 dashed and orange; biases are not drawn. With `inputs`, a row of
    n_inputs numbers, each unit shows its activation, in the same colours. Of a layer of more than 16 units the first 8
    are drawn, and how many there are stands below. Returns the axes.

    >>> axes = plot_network(MLP(2, [4, 1], seed=0), inputs=[1.0, 0.0])
    >>> len(axes.patches)
    7

    Raises TypeError for what is no MLP, ValueError for a wrong number of inputs.
    """
    if not isinstance(model, MLP):
        raise TypeError(
            f"plot_network draws an MLP, got {type(model).__name__}: {shown(model)}.\n"
            "  It shows layers that each take all outputs of the one before.\n"
            "  Write plot_network(nn.MLP(2, [4, 1]))."
        )
    activations = None if inputs is None else _activations(model, inputs)
    sizes = [model.layers[0].n_inputs, *(len(layer.neurons) for layer in model.layers)]
    places, tallest = [], max(min(size, MOST_UNITS) for size in sizes)
    gap = max(2.5, 0.45 * tallest)
    for column, size in enumerate(sizes):
        slots = size if size <= MOST_UNITS else FEW_UNITS + 1
        places.append([(gap * column, (slots - 1) / 2 - i) for i in range(slots)])
    right, top = gap * len(model.layers), tallest / 2
    unit = min(0.7, 8 / tallest)  # inches
    axes = _axes(axes, (max(4.5, unit * (right + 3)), unit * (tallest + 1) + 0.5))
    axes.set(xlim=(-1.5, right + 1.5), ylim=(-top - 0.8, top + 0.2), aspect="equal")
    axes.axis("off")
    extent = axes.get_window_extent()
    fontsize = 15 * min(extent.width / (right + 3), extent.height / (tallest + 1)) / axes.figure.dpi

    kinds = [getattr(layer.activation, "__name__", layer.activation) or "linear" for layer in model.layers]
    kinds = ["input" if sizes[0] == 1 else "inputs", *kinds]
    for column, (size, kind, centres) in enumerate(zip(sizes, kinds, places)):
        axes.text(gap * column, -top - 0.2, f"{size} {kind}", ha="center", va="top", fontsize=1.2 * fontsize)
        if size > len(centres):
            axes.text(*centres.pop(), "⋮", ha="center", va="center", fontsize=2 * fontsize)
        _draw_units(axes, centres, None if activations is None else activations[column], fontsize)
    for letter, side, centres in (("x", -1, places[0]), ("y", 1, places[-1])):
        for i, (x, height) in enumerate(centres, 1):
            axes.text(x + 0.8 * side, height, f"${letter}_{{{i}}}$", ha="center", va="center", fontsize=1.4 * fontsize)
    _draw_weights(axes, model, places)
    return axes


def _activations(model: MLP, inputs: Any) -> list[list[float]]:
    """The row itself and what each layer makes of it."""
    found = rows_of([inputs])
    with no_grad():
        model(found[0])
        for layer in model.layers:
            found.append([v.data for v in layer.forward(found[-1])])
    return found


def _draw_units(
    axes: Any, centres: list[tuple[float, float]], activations: list[float] | None, fontsize: float
) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Circle

    largest = max(map(abs, activations or [0.0])) or 1.0
    for i, centre in enumerate(centres):
        h = activations[i] if activations else 0.0
        share = 0.7 * abs(h) / largest
        colour = [1 - share * (1 - part) for part in to_rgb(COLOURS[h < 0])]
        axes.add_patch(Circle(centre, RADIUS, facecolor=colour, edgecolor="black", zorder=2))
        if activations:
            form = ".2f" if abs(h) < 100 else ".0f" if abs(h) < 10_000 else ".0e"
            text = format(round(h, 2) + 0.0, form)  # + 0.0 makes -0.0 a plain 0.0
            axes.text(*centre, text, ha="center", va="center", fontsize=fontsize)


def _draw_weights(axes: Any, model: MLP, places: list[list[tuple[float, float]]]) -> None:
    from matplotlib.collections import LineCollection

    lines = [
        (weight.data, (start, end))
        for layer, starts, ends in zip(model.layers, places, places[1:])
        for neuron, end in zip(layer.neurons, ends)
        for weight, start in zip(neuron.weights, starts)
    ]
    lines.sort(key=lambda line: abs(line[0]))  # the widest on top
    largest = abs(lines[-1][0])
    for colour, style, relation in zip(COLOURS, ("solid", "dashed"), "><"):
        mine = [(w, line) for w, line in lines if (w > 0 if relation == ">" else w < 0)]
        widths = [WIDEST * abs(w) / largest for w, _ in mine]
        segments = [line for _, line in mine]
        axes.add_collection(LineCollection(segments, linewidths=widths, colors=colour, linestyles=style, zorder=1))
        axes.plot([], [], linestyle=style, color=colour, label=f"weight {relation} 0")
    axes.plot([], [], color="black", linewidth=WIDEST, label=f"widest: {largest:.3g}")
    _legend(axes)


def plot_gradient_norms(model: Module, axes: Any = None) -> Any:
    """The Euclidean norm of the gradient in each layer, from the parameters' grads: where it vanishes or explodes.

    Call it after `loss.backward()`; after `fit` the grads are those of the last step. A layer is a group of parameters
    with one path in `named_parameters`, as `layers.0`. The scale is logarithmic where the norms span more than two
    decades. Returns the axes.

    >>> model = MLP(2, [3, 1], seed=0)
    >>> model([1.0, 2.0]).backward()
    >>> [text.get_text() for text in plot_gradient_norms(model).get_yticklabels()]
    ['layers.0', 'layers.1']

    Raises ValueError where all grads are 0, or one is not finite; TypeError for what is no Module.
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"plot_gradient_norms takes a model, got {type(model).__name__}: {shown(model)}.\n"
            "  The names of its parameters say which of them make a layer.\n"
            "  Write plot_gradient_norms(model), the model itself in place of its parameters."
        )
    layers: dict[str, list[Value]] = {}
    for name, parameter in model.named_parameters():
        path = re.sub(r"(^|\.)neurons\..*|\.\d+$", "", name)
        layers.setdefault(path or type(model).__name__, []).append(parameter)
    norms = {path: gradient_norm(parameters) for path, parameters in layers.items()}
    for path, norm in norms.items():
        if not isfinite(norm):
            raise ValueError(
                f"The gradient of {path} in {shown(model)} is {norm}.\n"
                "  There is no bar of that length; the loss, or a step on its way, was not finite.\n"
                "  Write with autograd.detect_anomaly(): around the loss and its backward(), to find the step."
            )
    if not any(norms.values()):
        raise ValueError(
            f"All grads of {shown(model)} are 0.\n"
            "  Nothing was differentiated since they were zeroed, or all units are dead.\n"
            "  Write loss.backward(), then plot_gradient_norms(model)."
        )
    axes = _axes(axes, (6.0, 1.2 + 0.4 * len(norms)))
    axes.barh(list(norms), list(norms.values()), color=COLOURS[0], edgecolor="black", height=0.6)
    axes.set(xlabel="Euclidean norm of the gradient", ylabel="layer", xscale=_scale([n for n in norms.values() if n]))
    axes.margins(x=0.25)
    axes.invert_yaxis()
    if axes.get_xscale() == "linear":
        axes.ticklabel_format(axis="x", scilimits=(-2, 4))
    left, _ = axes.get_xlim()  # where a 0 is written on a logarithmic scale
    for place, norm in enumerate(norms.values()):
        axes.annotate(f"{norm:.3g}", (max(norm, left), place), (3, 0), textcoords="offset points", va="center")
    return axes


def _axes(axes: Any, size: tuple[float, float]) -> Any:
    if axes is not None:
        return axes
    # Where somebody looks on, pyplot has to know a figure to show it; elsewhere its list would keep each one alive.
    shown = hasattr(sys, "ps1") or "matplotlib.pyplot" in sys.modules
    return new_figure(size, shown).add_subplot()


def _scale(numbers: list[float]) -> str:
    return "log" if 0 < min(numbers) < max(numbers) / 100 else "linear"


def _legend(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, frameon=False, fontsize="small")
