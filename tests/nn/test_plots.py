"""Pictures: what is drawn, where it goes, and what they refuse."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys

import pytest

import nn
from autograd import Value, sigmoid
from nn.plots import (
    COLOURS,
    WIDEST,
    new_figure,
    plot_decision_boundary,
    plot_gradient_norms,
    plot_history,
    plot_network,
)
from nn.training import History

XOR = [(0, 0), (0, 1), (1, 0), (1, 1)]


def history_of(losses, validation=(), **ends):
    history = History()
    history.loss, history.validation_loss = list(losses), list(validation)
    history.gradient_norm = history.seconds = [0.0] * len(losses)
    vars(history).update(ends)
    return history


def mlp(sizes, weights, **settings):
    """An MLP with these weights, neuron by neuron, and biases of 0."""
    model = nn.MLP(sizes[0], sizes[1:], **settings)
    free = [parameter for name, parameter in model.named_parameters() if "weights" in name]
    for parameter, number in zip(free, weights, strict=True):
        parameter.data = float(number)
    return model


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


# ------------------------------------------------------------------------------------------------------ History


def test_the_history_shows_both_losses_by_epoch():
    axes = plot_history(history_of([3.0, 2.0, 1.5], [4.0, 2.5, 2.75]))
    training, validation = axes.lines
    assert list(training.get_xdata()) == list(validation.get_xdata()) == [1, 2, 3]
    assert list(training.get_ydata()) == [3.0, 2.0, 1.5]
    assert list(validation.get_ydata()) == [4.0, 2.5, 2.75]
    assert training.get_linestyle() != validation.get_linestyle(), "told apart in black and white"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")
    assert legend(axes) == ["training", "validation"]


def test_the_history_of_a_real_training_is_drawn_as_it_went():
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    history = nn.fit(
        model, XOR, [0, 1, 1, 0], nn.squared_error, optimizer, 30, progress=False, validation=(XOR, [1] * 4)
    )
    training, validation = plot_history(history).lines
    assert list(training.get_ydata()) == history.loss
    assert list(validation.get_ydata()) == history.validation_loss


@pytest.mark.parametrize(
    ("losses", "validation", "scale"),
    [
        ([1.0, 0.02], (), "linear"),
        ([1.0, 0.009], (), "log"),
        ([1.0, 0.5], (1.0, 0.009), "log"),
        ([1.0, 0.0], (), "linear"),
        ([100.0, -1.0], (), "linear"),
    ],
)
def test_more_than_two_decades_of_positive_losses_take_a_logarithmic_scale(losses, validation, scale):
    assert plot_history(history_of(losses, validation)).get_yscale() == scale


@pytest.mark.parametrize("end", ["converged", "interrupted", "diverged"])
def test_the_end_of_a_training_is_marked(end):
    axes = plot_history(history_of([3.0, 2.0, 1.5], **{end: True}))
    _, mark = axes.lines
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([3], [1.5])
    assert legend(axes) == ["training", f"{end} after 3 epochs"]


def test_ends_differ_in_shape():
    ends = [
        plot_history(history_of([1.0], **{end: True})).lines[-1].get_marker()
        for end in ("converged", "interrupted", "diverged")
    ]
    assert len(set(ends)) == 3


def test_a_single_epoch_is_a_point_and_epochs_are_whole():
    axes = plot_history(history_of([3.0]))
    assert axes.lines[0].get_marker() == "."
    axes.figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


# -------------------------------------------------------------------------------------------- Decision boundary


def boundary_of(axes):
    """The vertices of all contour lines; the filled regions are collections without a line width of their own."""
    lines = [c for c in axes.collections if not c.filled]
    return [tuple(vertex) for line in lines for path in line.get_paths() for vertex in path.vertices]


@pytest.mark.parametrize("y", [[0, 1, 0, 1], [-1, 1, -1, 1], [0.0, 1.0, 0.0, 1.0]])
def test_a_line_separates_two_classes(y):
    model = nn.Neuron(2, activation=None)
    model.load_state_dict({"weights.0": -1.0, "weights.1": 2.0, "bias": -0.5})
    axes = plot_decision_boundary(model, XOR, y)
    vertices = boundary_of(axes)
    assert len(vertices) > 20
    for a, b in vertices:
        assert 2 * b - a - 0.5 == pytest.approx(0.0, abs=1e-9)
    first, second, _ = axes.lines
    assert list(zip(*first.get_data())) == [(0, 0), (1, 0)]
    assert list(zip(*second.get_data())) == [(0, 1), (1, 1)]
    assert first.get_marker() != second.get_marker() and first.get_color() != second.get_color()
    assert legend(axes) == [f"y = {int(y[0])}", "y = 1", "output = 0"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x_1$", "$x_2$")


@pytest.mark.parametrize(
    ("settings", "threshold", "expected"),
    [
        ({}, None, 0.0),
        ({}, 0.25, 0.25),
        ({"output_activation": "sigmoid"}, None, 0.0),
        ({"output_activation": sigmoid}, None, 0.0),
        ({"output_activation": "sigmoid"}, 0.6, math.log(0.6 / 0.4)),
    ],
)
def test_the_line_is_where_the_output_crosses_the_threshold(settings, threshold, expected):
    model = mlp([2, 1], [1.0, 0.0], **settings)
    axes = plot_decision_boundary(model, [(-1, 0), (1, 1)], [0, 1], threshold=threshold)
    assert boundary_of(axes)
    assert all(a == pytest.approx(expected, abs=1e-4) for a, _ in boundary_of(axes))
    shown = threshold if threshold is not None else 0.5 if settings else 0.0
    assert legend(axes)[-1] == f"output = {shown:g}"


def regions_of(axes, a, b):
    """The colours of the regions that hold the point (a, b)."""
    from matplotlib.colors import same_color

    held = [c for c in axes.collections if c.filled and any(path.contains_point((a, b)) for path in c.get_paths())]
    return [colour for colour in COLOURS for region in held if same_color(region.get_facecolor()[0][:3], colour)]


def test_the_region_of_a_class_has_the_colour_of_its_rows():
    axes = plot_decision_boundary(mlp([2, 1], [1.0, 0.0]), [(-1, 0), (1, 1)], [-1, 1])
    for line, (a, b) in zip(axes.lines, [(-0.7, 0.4), (0.7, 0.4)]):
        assert regions_of(axes, a, b) == [line.get_color()]


def test_of_several_outputs_the_largest_is_the_class():
    # The outputs a, -a and 2 b: the classes are the right, the left and the upper part of the plane.
    model = mlp([2, 3], [1, 0, -1, 0, 0, 2])
    X, y = [(1, -1), (-1, -1), (0, 2), (1, 0)], [0, 1, 2, 0]
    axes = plot_decision_boundary(model, X, y, resolution=30)
    assert list(zip(*axes.lines[0].get_data())) == [(1, -1), (1, 0)]
    assert len({line.get_marker() for line in axes.lines[:3]}) == 3
    assert legend(axes) == ["y = 0", "y = 1", "y = 2", "boundary"]
    for (a, b), k in (((0.9, -0.5), 0), ((0.6, 0.1), 0), ((-0.9, -0.5), 1), ((0.1, 0.5), 2), ((0.0, 0.05), 2)):
        assert regions_of(axes, a, b) == [COLOURS[k]], (a, b)
    for a, b in boundary_of(axes):
        ordered = sorted([a, -a, 2 * b])
        assert ordered[2] - ordered[1] < 0.01, "the two largest are equal on the boundary"


def test_a_model_that_says_the_same_everywhere_has_one_region_and_no_line():
    axes = plot_decision_boundary(mlp([2, 1], [0.0, 0.0], output_activation=lambda z: z + 1), XOR, [0, 1, 1, 0])
    assert not boundary_of(axes)
    assert regions_of(axes, 0.5, 0.5) == [COLOURS[1]]


def test_all_rows_are_inside_also_when_they_lie_on_a_line():
    axes = plot_decision_boundary(mlp([2, 1], [1.0, 1.0]), [(3, 0), (3, 1)], [0, 1], resolution=5)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < 3 < right and bottom < 0 < 1 < top
    assert regions_of(axes, 2.5, 0.5) == regions_of(axes, 3.5, 0.5) == [COLOURS[1]]


def test_columns_with_names_name_the_axes():
    import pandas as pd

    X = pd.DataFrame({"height": [0.0, 1.0], "weight": [2.0, 3.0]})
    axes = plot_decision_boundary(mlp([2, 1], [1.0, 1.0]), X, pd.Series([0, 1]), resolution=5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("height", "weight")


# ------------------------------------------------------------------------------------------------------ Network


def lines_of(axes):
    """{(start, end): (width, is solid, colour)} of all weights that are drawn."""
    found = {}
    for collection in axes.collections:
        for i, segment in enumerate(collection.get_segments()):
            styles, widths = collection.get_linestyle(), collection.get_linewidth()
            solid = styles[i % len(styles)][1] is None
            found[tuple(map(tuple, segment))] = (widths[i], solid, tuple(collection.get_color()[0]))
    return found


def test_a_network_has_a_circle_for_each_unit_and_a_line_for_each_weight():
    weights = [1.0, -2.0, 0.5, 0.0, 4.0, -1.0]
    axes = plot_network(mlp([2, 2, 1], weights))
    x1, x2, h1, h2, y = (tuple(circle.center) for circle in axes.patches)
    assert x1[0] == x2[0] < h1[0] == h2[0] < y[0] and x1[1] > x2[1] and h1[1] > h2[1], (
        "layers left to right, units down"
    )
    edges = dict(zip([(x1, h1), (x2, h1), (x1, h2), (x2, h2), (h1, y), (h2, y)], weights))
    drawn = lines_of(axes)
    assert set(drawn) == {edge for edge, weight in edges.items() if weight}
    for edge, (width, solid, _) in drawn.items():
        assert width == pytest.approx(WIDEST * abs(edges[edge]) / 4.0)
        assert solid == (edges[edge] > 0)
    assert len({colour for _, _, colour in drawn.values()}) == 2
    assert legend(axes) == ["weight > 0", "weight < 0", "widest: 4"]
    assert texts(axes) == ["2 inputs", "2 tanh", "1 linear", "$x_{1}$", "$x_{2}$", "$y_{1}$"]


def test_a_row_of_inputs_shows_its_activations():
    model = mlp([2, 2, 1], [1.0, -2.0, 0.5, 0.0, 4.0, -1.0], activation="relu", output_activation=square)
    axes = plot_network(model, [2.0, -0.25])
    assert {"2 relu", "1 square"} < set(texts(axes))
    at = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert [at[tuple(circle.center)] for circle in axes.patches] == ["2.00", "-0.25", "2.50", "1.00", "81.00"]
    shades = [circle.get_facecolor()[:3] for circle in axes.patches]
    assert sum(shades[1]) > sum(shades[0]), "the smaller the paler"
    assert shades[0] == shades[2] == shades[4], "the largest of each layer"
    assert shades[1][0] > shades[1][2] and shades[0][0] < shades[0][2], "orange below 0, blue above"


def square(z):
    return z * z


@pytest.mark.parametrize(
    ("number", "text"), [(-0.001, "0.00"), (99.99, "99.99"), (-1234.5, "-1234"), (123456.0, "1e+05"), (0.0, "0.00")]
)
def test_activations_fit_in_their_circles(number, text):
    assert text in texts(plot_network(nn.MLP(1, [1], seed=0), [number]))


def test_wide_layers_show_the_first_units_and_say_how_many_there_are():
    axes = plot_network(nn.MLP(64, [16, 17, 2], seed=0), [0.1] * 64)
    assert len(axes.patches) == 8 + 16 + 8 + 2
    assert sum(len(c.get_segments()) for c in axes.collections) == 8 * 16 + 16 * 8 + 8 * 2
    assert texts(axes).count("⋮") == 2
    assert {"64 inputs", "16 tanh", "17 tanh", "2 linear", "$x_{8}$", "$y_{2}$"} < set(texts(axes))
    assert "$x_{9}$" not in texts(axes)


def test_nothing_of_a_network_is_out_of_sight():
    axes = plot_network(nn.MLP(3, [16, 40, 2], seed=0))
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for x, y in [circle.center for circle in axes.patches] + [text.get_position() for text in axes.texts]:
        assert left < x < right and bottom < y < top


def test_a_network_of_zeros_has_no_lines():
    assert not lines_of(plot_network(mlp([2, 1], [0.0, 0.0]), [0, 0]))


# ---------------------------------------------------------------------------------------------- Gradient norms


def test_bars_are_the_norms_of_the_layers():
    model = nn.MLP(2, [3, 3, 1], seed=0)
    nn.squared_error(model([1.0, 2.0]), 3.0).backward()
    axes = plot_gradient_norms(model)
    norms = [math.sqrt(sum(p.grad**2 for p in layer.parameters())) for layer in model.layers]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(norms, rel=1e-12)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["layers.0", "layers.1", "layers.2"]
    assert texts(axes) == [f"{norm:.3g}" for norm in norms]
    assert axes.get_xlabel() == "Euclidean norm of the gradient" and axes.get_ylabel() == "layer"
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first layer on top"


@pytest.mark.parametrize(
    ("grads", "scale"), [((1.0, 0.02), "linear"), ((1.0, 0.009), "log"), ((0.0, 1.0), "linear"), ((1, 0, 1e-9), "log")]
)
def test_vanishing_gradients_take_a_logarithmic_scale_on_which_a_zero_is_written(grads, scale):
    model = nn.MLP(1, [1] * len(grads))
    for layer, number in zip(model.layers, grads):
        layer.neurons[0].bias.grad = float(number)
    axes = plot_gradient_norms(model)
    assert axes.get_xscale() == scale
    assert texts(axes) == [f"{number:.3g}" for number in grads]
    left, right = axes.get_xlim()
    assert all(left <= text.xy[0] < right for text in axes.texts)
    axes.figure.savefig(io.BytesIO())


class Custom(nn.Module):
    def __init__(self):
        self.scale = Value(2.0)
        self.table = [Value(1.0), Value(1.0)]
        self.encoder = nn.MLP(2, [2], seed=0)
        self.head = nn.Neuron(2, seed=0)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Custom(), ["scale", "table", "encoder.layers.0", "head.weights", "head.bias"]),
        (nn.Layer(2, 2), ["Layer"]),
        (nn.Neuron(2), ["weights", "bias"]),
    ],
)
def test_a_layer_is_a_path(model, names):
    for parameter in model.parameters():
        parameter.grad = 1.0
    assert [tick.get_text() for tick in plot_gradient_norms(model).get_yticklabels()] == names


# ------------------------------------------------------------------------------------------------------- Figures


def gradients():
    model = nn.MLP(2, [3, 1], seed=0)
    model([1.0, 2.0]).backward()
    return model


PICTURES = {
    "history": lambda axes: plot_history(history_of([3.0, 0.001], converged=True), axes),
    "boundary": lambda axes: plot_decision_boundary(gradients(), XOR, [0, 1, 1, 0], axes, resolution=5),
    "network": lambda axes: plot_network(gradients(), [1, 2], axes),
    "gradients": lambda axes: plot_gradient_norms(gradients(), axes),
}


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_axes_are_drawn_on_and_returned_and_a_figure_is_saved(draw, tmp_path):
    first, second = new_figure().subplots(1, 2)
    assert draw(second) is second
    assert second.has_data() and not first.has_data()
    alone = draw(None)
    for name in ("picture.png", "picture.svg"):
        alone.figure.savefig(tmp_path / name)
    assert (tmp_path / "picture.png").read_bytes()[1:4] == b"PNG"
    assert "</svg>" in (tmp_path / "picture.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("draw", [PICTURES["history"], PICTURES["boundary"], PICTURES["network"]])
def test_the_legend_stands_above_the_axes(draw):
    axes = draw(None)
    axes.figure.canvas.draw()
    legend_box, box = axes.get_legend().get_window_extent(), axes.get_window_extent()
    assert legend_box.y0 >= box.y1 - 1 and legend_box.y1 <= axes.figure.bbox.y1


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_without_matplotlib_they_say_what_to_install(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        draw(None)


def run(arguments, code):
    environment = {**os.environ, "MPLBACKEND": "agg"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, input=code, capture_output=True, text=True, env=environment, check=True)
    return done.stdout.split()


DRAW = "import sys, nn, nn.plots\naxes = nn.plots.plot_network(nn.MLP(2, [1], seed=0))\n"
KNOWN = "from matplotlib import pyplot\nprint(axes.figure.number in pyplot.get_fignums())\n"


def test_a_script_leaves_no_figure_behind_unless_it_uses_pyplot():
    assert run(["-"], DRAW + "print('matplotlib.pyplot' in sys.modules)") == ["False"]
    assert run(["-"], "import matplotlib.pyplot\n" + DRAW + KNOWN) == ["True"]


def test_at_the_prompt_pyplot_knows_the_figure_and_can_show_it():
    assert run(["-i", "-q"], DRAW + KNOWN) == ["True"]


# ------------------------------------------------------------------------------------------------------ Refusals


def refused_boundary(X=XOR, y=(0, 1, 1, 0), sizes=(2, 1), **settings):
    return lambda: plot_decision_boundary(nn.MLP(sizes[0], sizes[1:], seed=0), X, list(y), **settings)


def with_gradient(number):
    model = nn.MLP(2, [3, 1], seed=0)
    model.layers[1].neurons[0].bias.grad = number
    return model


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: plot_history([3.0, 2.0]), TypeError, "what fit returns, got list"),
        (lambda: plot_history(history_of([], diverged=True)), ValueError, r"0 epochs, diverged\) has no whole epoch"),
        (refused_boundary(sizes=(3, 1)), ValueError, "takes 3 inputs, got 2"),
        (refused_boundary([(1, 2, 3)], [0], sizes=(3, 1)), ValueError, "two inputs; the rows of X have 3"),
        (refused_boundary([1, 2], [0, 1]), ValueError, "the rows of X have 1"),
        (refused_boundary(y=[0, 1, 1]), ValueError, "got 3 for 4 rows"),
        (refused_boundary(y=[0, 1, 2, 1]), ValueError, r"1 output y holds the classes 0 and 1, or -1 and \+1; got 2"),
        (refused_boundary(y=[-1, 1, 0, 1]), ValueError, r"or -1 and \+1"),
        (refused_boundary(y=[0, 1, 2, 3], sizes=(2, 3)), ValueError, "3 outputs y holds the classes 0 to 2; got 3"),
        (refused_boundary(y=[0, 1, 0.5, 1], sizes=(2, 3)), ValueError, "got 0.5"),
        (refused_boundary(y=[[1, 0]] * 4, sizes=(2, 2)), ValueError, r"Write numpy.argmax\(y, axis=1\)"),
        (refused_boundary(resolution=1), ValueError, "resolution must be at least 2, got 1"),
        (lambda: plot_network(nn.Layer(2, 1)), TypeError, "draws an MLP, got Layer"),
        (lambda: plot_network(nn.MLP(2, [1]), [1.0]), ValueError, "takes 2 inputs, got 1"),
        (lambda: plot_network(nn.MLP(2, [1]), [(1, 2), (3, 4)]), ValueError, r"shape \(1, 2, 2\)"),
        (lambda: plot_gradient_norms(nn.MLP(2, [3, 1])), ValueError, r"(?s)All grads of MLP.*loss.backward\(\)"),
        (lambda: plot_gradient_norms(nn.Module()), ValueError, "All grads"),
        (lambda: plot_gradient_norms(with_gradient(math.nan)), ValueError, "gradient of layers.1 in .* is nan"),
        (lambda: plot_gradient_norms([1.0]), TypeError, "takes a model"),
    ],
)
def test_they_refuse_what_cannot_be_drawn(action, error, message):
    with pytest.raises(error, match=message):
        action()
