from pathlib import Path

import pytest

from autograd import topological_order
from demos import cost

SIZES = [(1, 2), (1, 5), (2, 2), (3, 4), (5, 3), (2, 16)]


@pytest.mark.parametrize(("layers", "width"), SIZES)
def test_one_multiply_add_per_weight_forward_and_two_backward(layers: int, width: int) -> None:
    count = cost.count(layers, width)
    assert count.weights == layers * width * width
    assert count.forward == count.weights
    assert count.backward == 2 * count.weights
    assert count.backward_plain == 2 * count.weights - width * width


@pytest.mark.parametrize(("layers", "width"), SIZES)
def test_the_weights_are_those_of_the_model_and_each_product_has_its_addition(layers: int, width: int) -> None:
    model, forward = cost.network(layers, width)
    biases = layers * width
    assert cost.count(layers, width).weights == len(model.parameters()) - biases
    nodes = topological_order(forward())
    additions = sum(node.operation is not None and node.operation.name == "add" for node in nodes)
    assert additions == layers * width * width + (width - 1), "a weight's each, and those of the loss"


def test_the_counts_are_linear_in_layers_and_quadratic_in_width() -> None:
    by_layers = [cost.count(layers, 3) for layers in (2, 4, 8)]
    by_width = [cost.count(2, width) for width in (2, 4, 8)]
    assert cost.exponents(by_layers, "layers") == pytest.approx((1.0, 1.0), abs=1e-9)
    assert cost.exponents(by_width, "width") == pytest.approx((2.0, 2.0), abs=1e-9)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_fitted_exponent_is_that_of_a_power_law_whatever_its_scale(power: float) -> None:
    sizes = [4, 8, 16, 64]
    assert cost.exponent(sizes, [3e-7 * size**power for size in sizes]) == pytest.approx(power)


def test_a_product_of_inputs_is_no_multiply_add_of_a_weight() -> None:
    model, forward = cost.network(2, 3)
    weights = {weight for layer in model.layers for neuron in layer.neurons for weight in neuron.weights}
    products = cost.products_with_weights(2, 3)
    assert len(products) == len(weights) == 18
    every_product = [node for node in topological_order(forward()) if node.operation is cost.multiply]
    assert len(every_product) == 19, "the 1/2 of the loss is one more"


def test_a_small_run_prints_the_counts_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cost.png"
    cost.main(["--small", "--plot", str(file)])
    lines = capsys.readouterr().out.splitlines()
    columns = [line.split() for line in lines]
    assert ["4", "8", "256", "256", "1.000", "512", "2.000", "448", "1.750"] in columns
    assert ["1", "8", "64", "64", "1.000", "128", "2.000", "64", "1.000"] in columns
    counted = {line[2]: line[3:5] for line in columns if line[:2] == ["time", "~"]}
    assert counted == {"layers": ["1.00", "1.00"], "width": ["2.00", "2.00"]}
    picture = file.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert 10_000 < len(picture) < 1_000_000
