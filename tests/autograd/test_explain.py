"""The ledger: every number in it is the engine's, and it reads as the lecture writes."""

from __future__ import annotations

import math
import re
from unicodedata import combining

import pytest

import autograd
from autograd import Value, operation, topological_order
from autograd.explain import explain, trace
from demos import worked_example


def slides() -> dict[str, Value]:
    """Lecture 001's network, every node with the slides' name."""
    nodes = {name: Value(number, name) for name, number in worked_example.WEIGHTS.items()}
    for name, node in worked_example.forward(nodes).items():
        node.label = name
        nodes[name] = node
    return nodes


def columns(line: str) -> int:
    return sum(not combining(c) for c in line)


def ladder(count: int) -> tuple[Value, Value]:
    """count nodes, of which every second one uses the leaf again."""
    x = Value(0.5, "x")
    y = x
    for i in range(count // 2):
        y = (y * x) if i % 2 else y + x
        y = y.sin()
    return y, x


# ----------------------------------------------------------------------------------------------------- explain


def test_the_path_is_written_as_on_the_slide():
    nodes = slides()
    text = repr(explain(nodes["L"], nodes["W11"], paths=1))
    assert "dL/dW11 = dL/df_out · df_out/df_in · df_in/dz1_out · dz1_out/dz1_in · dz1_in/dW11\n" in text
    assert "          = (-0.2447)(0.1848)(-0.22)(0.2332)(1.0)\n          = 0.0023\n" in text


@pytest.mark.parametrize("name", [*worked_example.WEIGHTS, "z1_in", "f_out", "L"])
def test_the_sum_over_the_consumers_is_the_gradient(name):
    nodes = slides()
    found = explain(nodes["L"], nodes[name], paths=5)
    assert nodes[name].grad == 0.0, "nobody's grad is touched"
    nodes["L"].backward()
    assert found.total == nodes[name].grad
    for use in found.consumers:
        assert (use.adjoint, use.product) == (use.node.grad, use.adjoint * use.partial)
        assert nodes[name] in use.node.parents
    if name != "L":
        assert sum(use.product for use in found.consumers) == found.total
    assert math.fsum(path.product for path in found.paths) == pytest.approx(found.total, rel=1e-14)
    for path, factors in zip(found.paths, found.products):
        assert math.prod(factor.number for factor in factors) == pytest.approx(path.product, rel=1e-14, abs=0)


def test_every_use_is_a_row_and_the_columns_align():
    x = Value(3.0, "x")
    y = x * x + 10 * x
    y.label = "y"
    assert repr(explain(y, x)).splitlines()[:7] == [
        "dy/dx = 16.0: 3 uses of x, each with its adjoint times its local derivative.",
        "",
        "  use c           dy/dc   dc/dx   product",
        "  v3 = 10.0 * x   1.0     10.0    10.0",
        "  v2 = x * x      1.0      3.0     3.0",
        "  v2 = x * x      1.0      3.0     3.0",
        "  sum                             16.0",
    ]


def test_a_step_between_labels_is_one_factor_only_where_one_path_takes_it():
    x = Value(3.0, "x")
    h = (2 * x) * 5.0  # one path
    h.label = "h"
    y = h * h + h.tanh() * 0.0  # several
    y.label = "y"
    first, *_ = explain(y, x, paths=1).products
    names = [(factor.of, factor.by, factor.number) for factor in first]
    assert names[-1] == ("h", "x", 10.0)
    assert names[:-1] == [("y", names[0][1], 1.0), (names[0][1], "h", 30.0)] and names[0][1].startswith("v")
    y.label = h.label = ""
    assert len(explain(y, x, paths=1).products[0]) == 4, "without labels every node is named"


def test_the_number_of_paths_is_exact_and_readable():
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = y + y
        y = y * 0.5
    found = explain(y, x, paths=2)
    assert found.number_of_paths == 2**20_000
    text = repr(found)
    assert "The 2 largest of about 10^6021 paths" in text and "… 39,988 more …" in text
    assert max(map(columns, text.splitlines())) <= 100
    assert len(text) < 3000


@pytest.mark.parametrize(
    ("passes", "remark"),
    [(0, "holds 0.0: backward() has not run"), (1, None), (2, "holds 12.0: a leaf adds up over backward() calls")],
)
def test_it_says_why_grad_holds_another_number(passes, remark):
    x = Value(3.0, "x")
    y = x * x
    for _ in range(passes):
        y.backward()
    text = repr(explain(y, x))
    assert remark in text if remark else "holds" not in text


def test_an_interior_node_and_another_root():
    x = Value(3.0, "x")
    h = x * 2
    h.label = "h"
    y, z = h * h, h * 5
    z.backward()
    found = explain(y, h)
    assert found.total == 12.0 and "the last backward() started at another node" in found.remark


def test_no_path_and_the_root_itself():
    x, y = Value(1.0, "x"), Value(2.0)
    loss = y * 2
    loss.label = "loss"
    apart = explain(loss, x, paths=3)
    assert (apart.total, apart.consumers, apart.paths, apart.number_of_paths) == (0.0, (), (), 0)
    assert "loss was not computed from x" in repr(apart)
    same = explain(loss, loss, paths=1)
    assert (same.total, same.number_of_paths) == (1.0, 1) and "dloss/dloss = 1.0: here" in repr(same)
    for found in (apart, same):
        assert found._repr_latex_().count("&=") == 1 + (found is same)


def test_names_say_which_node_it_is():
    a, b, c = Value(1.0, "x"), Value(2.0, "x"), Value(3.0, "v9")
    y = a * b + c
    found = explain(y, a)
    assert (found.x_name, found.loss_name) == ("x[v1]", "v5")
    assert found.consumers[0].formula == "x[v1] * x[v2]"
    d = Value(4.0, "v4")
    assert explain(d * c * a, d).x_name == "v4[v1]", "the product d * c is v4"
    e = Value(1.0, "v1")
    assert explain(e * 2, e).x_name == "v1", "a label that is its own number is no other node's"


def test_infinite_and_missing_numbers():
    x = Value(0.0, "x")
    text = repr(explain(x.sqrt() * 2 - x.sqrt(), x, paths=2))
    assert "nan" in text and "inf" in text
    many = autograd.sum([x.sqrt() * (-1.0) ** i for i in range(100)])
    assert "⋮ 60 more" in repr(explain(many, x))


HOSTILE = [
    "<b>bold</b>", 'a"b\'c', "a{b}c|d", "two\nlines", "\x1b[31mred", "\u202egnp.exe", "$x$ \\input{y} 100% #1 &~^_",
    "😀", "x" * 500, "\\end{aligned}$$ <script>alert(1)</script>",
]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_stays_a_label(label):
    x = Value(2.0, label)
    h = x * x
    h.label = "h"
    found = explain(h + x, x, paths=3)
    for text in (repr(found), repr(trace(h + x))):
        assert all(c.isprintable() or c == "\n" or combining(c) for c in text)
        assert max(map(columns, text.splitlines())) <= 100
    assert len(repr(trace(h + x)).splitlines()) == 15, "no line more than its rows"
    latex = found._repr_latex_()
    assert latex.startswith("$$\\begin{aligned}\n") and latex.endswith("\n\\end{aligned}$$")
    body = latex[2:-2]
    assert "$$" not in body and not re.search(r"(?<!\\)\$", body)
    assert body.count(r"\end{aligned}") == 1 and "<" not in body and "input{" not in body
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", body):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[%#~^]", re.sub(r"10\^\{-?\d+\}", "", body))


def test_latex_reads_as_the_lecture_writes():
    nodes = slides()
    latex = explain(nodes["L"], nodes["z1_out"], paths=1)._repr_latex_()
    assert r"\frac{\partial L}{\partial z_{1,\text{out}}} &= \frac{\partial L}{\partial v_{15}}" in latex
    assert r"\frac{\partial f_{\text{out}}}{\partial f_{\text{in}}}" in latex
    assert "&= (-0.0452)(-0.22)" in latex and "&= 0.01 " in latex
    x = Value(1e-7, "x")
    assert r"2.0 \cdot 10^{-7}" in explain(x * x, x)._repr_latex_().replace("2 ", "2.0 ")


# ------------------------------------------------------------------------------------------------------- trace


def test_the_two_tables():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    assert repr(trace(y + (x * y).exp())) == (
        """\
Forward pass: each node from its parents

  node   label   formula   value
  v1     x       leaf      0.5
  v2     y       leaf      2.0
  v3             v1 * v2   1.0
  v4             exp(v3)   2.7183
  v5             v2 + v4   4.7183

Backward pass: each adjoint is the sum over the consumers of the node

  node   label   sum              numbers         adjoint
  v_5             1                                1.0
  v_4             v_5 · dv5/dv4     (1.0)(1.0)      1.0
  v_3             v_4 · dv4/dv3     (1.0)(2.7183)   2.7183
  v_2     y       v_5 · dv5/dv2     (1.0)(1.0)
                 + v_3 · dv3/dv2   (2.7183)(0.5)   2.3591
  v_1     x       v_3 · dv3/dv1     (2.7183)(2.0)   5.4366""".replace("v_", "v\u0304")
    )


def test_the_rows_are_the_engines_numbers():
    loss = slides()["L"]
    found = trace(loss)
    assert all(node.grad == 0.0 for node in topological_order(loss))
    loss.backward()
    nodes = [node for node in topological_order(loss) if node.operation is None or node.parents]
    assert [row.node for row in found.forward] == nodes == [row.node for row in reversed(found.backward)]
    assert [(row.name, row.value) for row in found.forward] == [(f"v{i}", v.data) for i, v in enumerate(nodes, 1)]
    assert [row.adjoint for row in found.backward] == [node.grad for node in reversed(nodes)]
    for row in found.backward[1:]:
        assert sum(term.adjoint * term.partial for term in row.terms) == row.adjoint


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda x: -x, "-v1"),
        (lambda x: x**3, "v1**3"),
        (lambda x: x**-0.5, "v1**-0.5"),
        (lambda x: -2 * x, "(-2.0) * v1"),
        (lambda x: 2.0**x, "2.0 ** v1"),
        (lambda x: abs(x), "abs(v1)"),
        (lambda x: x.leaky_relu(0.25), "leaky_relu(v1, 0.25)"),
        (lambda x: autograd.maximum(x, 1.0), "maximum(v1, 1.0)"),
        (lambda x: autograd.logsumexp([x] * 9), "logsumexp(v1, v1, …, v1, v1)"),
        (lambda x: operation((1.0,))(lambda x: x)(x), "<lambda>(v1)"),
    ],
)
def test_formulas(make, formula):
    assert trace(make(Value(2.0))).forward[-1].formula == formula


def test_a_leaf_a_snapshot_and_a_long_one():
    x = Value(3.0)
    assert [row.adjoint for row in trace(x).backward] == [1.0]
    assert len(trace(autograd.operations.power(x, 2.0).parents[1]).forward) == 1
    before = trace(x * 2)
    text = repr(before)
    x.data = 5.0
    assert repr(before) == text and before.forward[0].value == 3.0


def test_a_hundred_thousand_nodes_fold():
    y, x = ladder(100_000)
    found = trace(y)
    text = repr(found)
    assert (len(found.forward), len(found.backward)) == (100_001, 100_001)
    assert text.count("⋮ 99,961 more") == 2 and "⋮ 49,997 more" in text
    assert len(text.splitlines()) < 120 and max(map(columns, text.splitlines())) <= 100
    text = repr(explain(y, x, paths=2))
    assert "50,001 uses of x" in text and "⋮ 49,961 more" in text and len(text.splitlines()) < 70


# ------------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("action", "error", "parts"),
    [
        (lambda x: explain(x * 2, [x]), TypeError, ["explain(loss, x)", "list", "Write x = Value(2.0, 'x')"]),
        (lambda x: explain(x * 2, x, paths=1.5), ValueError, ["paths=1.5", "Write paths=3"]),
        (lambda x: trace("x"), TypeError, ["trace(value)", "str: 'x'"]),
        (lambda x: explain(autograd.no_grad()(lambda: x * 2)(), x), RuntimeError, ["no_grad", "outside"]),
    ],
)
def test_the_error_says_what_happened_and_what_to_write(action, error, parts):
    with pytest.raises(error) as caught:
        action(Value(1.0))
    for part in parts:
        assert part in str(caught.value)
