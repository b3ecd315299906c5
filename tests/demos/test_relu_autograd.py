import math

import pytest

from autograd import relu, topological_order
from demos import relu_autograd as demo

INPUTS = (demo.ON, demo.AT_THE_KINK, demo.OFF, 0.7, -3.0)


def loss(x: float, leaves: dict[str, float]) -> float:
    h = max(0.0, leaves["w_h"] * x + leaves["b_h"])
    return (demo.Y - (leaves["w_o"] * h + leaves["b_o"])) ** 2


def test_the_graph_keeps_the_lecture_s_seven_operations_in_order() -> None:
    steps = {step.name: (step.operation, step.operands) for step in demo.forward_table(demo.ON)}
    assert list(steps) == ["m_h", "z_h", "h", "m_o", "o", "e", "L"]
    assert steps == {
        "m_h": ("multiply", ("w_h", "x")), "z_h": ("add", ("m_h", "b_h")), "h": ("relu", ("z_h",)),
        "m_o": ("multiply", ("w_o", "h")), "o": ("add", ("m_o", "b_o")), "e": ("subtract", ("y", "o")),
        "L": ("power", ("e",)),
    }  # fmt: skip


@pytest.mark.parametrize("x", INPUTS)
def test_engine_and_hand_agree(x: float) -> None:
    for step in demo.forward_table(x):
        assert step.engine == pytest.approx(step.by_hand, rel=1e-15), step
    assert demo.forward_table(x)[-1].engine == pytest.approx(loss(x, demo.LEAVES), rel=1e-15)
    for edge in demo.backward_table(x):
        assert edge.partial == pytest.approx(edge.partial_by_hand, rel=1e-15), edge
        assert edge.adjoint == pytest.approx(edge.adjoint_by_hand, rel=1e-15), edge


def test_the_backward_table_has_every_edge_but_those_to_x_and_y() -> None:
    root = demo.graph(demo.ON)["L"]
    edges = {(node.label, parent.label) for node in topological_order(root) for parent in node.parents}
    rows = demo.backward_table(demo.ON)
    assert {(row.child, row.node) for row in rows} == edges - {("m_h", "x"), ("e", "y")}
    assert len(rows) == 10
    done = {"L"}
    for row in rows:
        assert row.child in done, "an adjoint is used before it is known"
        done.add(row.node)


@pytest.mark.parametrize("x", [x for x in INPUTS if x != demo.AT_THE_KINK])
@pytest.mark.parametrize("name", demo.WANTED)
def test_the_gradient_is_the_difference_quotient(x: float, name: str) -> None:
    h = 1e-6
    losses = [loss(x, demo.LEAVES | {name: demo.LEAVES[name] + step}) for step in (h, -h)]
    assert demo.gradient(x)[name] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-8, abs=1e-9)


def test_the_product_of_the_seven_factors() -> None:
    factors = demo.chain_factors(demo.ON)
    assert factors == [3.75, -1.0, 1.0, -1.5, 1.0, 1.0, 2.0]
    assert math.prod(factors) == demo.gradient(demo.ON)["w_h"] == 11.25


def test_off_and_at_the_kink_only_the_output_s_bias_learns() -> None:
    for x in (demo.AT_THE_KINK, demo.OFF):
        assert [name for name, number in demo.gradient(x).items() if number] == ["b_o"]
    assert demo.graph(demo.AT_THE_KINK)["z_h"].data == 0.0
    left, right = demo.one_sided_slopes(demo.AT_THE_KINK)
    assert left == 0.0 == demo.gradient(demo.AT_THE_KINK)["b_h"]
    assert right == pytest.approx(2.25, rel=1e-5)
    assert relu.partials(0.0, [0.0]) == (0.0,)


def test_the_printed_tables(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    columns = [line.split() for line in lines]
    assert ["e", "=", "y", "-", "o", "subtract", "y,", "o", "1.875000", "1.875000"] in columns
    assert [
        "dm_h/dw_h",
        "=",
        "x",
        "2.000000",
        "2.000000",
        "w_h_bar",
        "=",
        "m_h_bar",
        "*",
        "x",
        "11.250000",
        "11.250000",
    ] in columns
    assert [
        "0.5",
        "0.00",
        "0.00",
        "0",
        "0.000000",
        "-1.500000",
        "0.000000",
        "0.000000",
        "0.00000",
        "2.25000",
    ] in columns
    assert any(line.endswith("= 2.25, the right one.") for line in lines)
