"""Pictures through every executable that is there: structure, labels, formats, and what happens where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import graphviz
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value
from autograd.drawing import Drawing, draw, render
from autograd.drawing.picture import picture_of

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"
EXECUTABLES = {"dot": shutil.which("dot"), "graphviz-pure": render.packaged()}
FOUND = [name for name, path in EXECUTABLES.items() if path]


@pytest.fixture(params=FOUND)
def executable(request, monkeypatch):
    monkeypatch.setenv("GRAPHVIZ_DOT", EXECUTABLES[request.param])
    return request.param


def small() -> Value:
    x, y = Value(2.0, "x"), Value(-0.5, "y")
    z = x * x - (3 * y).exp()
    z.label = "z"
    return z


def texts(svg: str) -> dict[str, list[str]]:
    """The lines of text of each node."""
    return {
        g.findtext(f"{SVG}title", ""): [text.text or "" for text in g.iter(f"{SVG}text")]
        for g in ET.fromstring(svg).iter(f"{SVG}g")
        if g.get("class") == "node"
    }


def test_an_executable_is_there():
    assert FOUND, "pip install graphviz-pure"


# ----------------------------------------------------------------------------------------------- structure

MODEL = nn.MLP(2, [2, 1], activation="sigmoid", seed=0)
CASES = {
    "small": (small(), {}),
    "hidden": (small(), {"constants": False, "colour": False, "direction": "TB"}),
    "clusters": ((MODEL([1.0, 2.0]) - 1.0) ** 2, {"model": MODEL}),
    "folded": ((MODEL([1.0, 2.0]) - 1.0) ** 2, {"model": MODEL, "max_nodes": 12}),
    "leaf": (Value(1.0), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_graphviz_reads_is_the_picture(executable, case):
    value, options = CASES[case]
    drawing = draw(value, **options)
    picture = picture_of(
        value, options.get("constants", True), options.get("max_nodes", 300), model=options.get("model")
    )
    graph = json.loads(render.render(drawing.dot, "dot_json"))
    objects = {thing["_gvid"]: thing for thing in graph["objects"]}
    names = {i: thing["name"] for i, thing in objects.items() if not thing["name"].startswith("cluster")}
    assert sorted(names.values()) == sorted(node.name for node in picture.nodes)
    edges = [(names[edge["tail"]], names[edge["head"]]) for edge in graph.get("edges", [])]
    assert sorted(edges) == sorted((edge.parent, edge.child) for edge in picture.edges)
    boxes = [thing for thing in objects.values() if thing["name"].startswith("cluster")]
    inner = [(box["label"], sorted(names[i] for i in box["nodes"])) for box in boxes if not box.get("subgraphs")]
    assert sorted(inner) == sorted((path[-1], sorted(members)) for path, members in picture.clusters.items())
    outer = [box["label"] for box in boxes if box.get("subgraphs")]
    assert sorted(outer) == sorted({path[0] for path in picture.clusters})


def test_the_svg_shows_labels_operations_numbers_and_local_derivatives(executable):
    svg = draw(small(), digits=3).svg
    shown = {name: [text.replace("\xa0", " ") for text in lines] for name, lines in texts(svg).items()}
    assert shown["n0"] == ["x", "data", "2.0", "grad", "4.0"]
    assert shown["n1"] == ["3.0"]
    assert [line.strip() for line in shown["n6"]] == ["z", "-", "data", "3.777", "grad", "1.0"]
    edges = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "edge"]
    written = [(g.findtext(f"{SVG}title"), next(g.iter(f"{SVG}text")).text) for g in edges]
    assert written.count(("n0->n3", "2.0")) == 2, "x * x has two edges"
    assert ("n5->n6", "-1.0") in written


# ----------------------------------------------------------------------------------------------- labels

NASTY = [
    "<b>bold</b>", "<BR/>", "</TD></TABLE>", "]]>", "]", "<!-- -->", "<script>alert(1)</script>", '"quoted"', "'",
    "{a|b}", "\\N \\G \\L \\n \\l \\E \\", "\\\\", "&lt;b&gt;", "&amp;", "&#65;", "&nbsp", "a & b", "-> {",
    "%s $x^2$",
    "n0", "two\nlines", "a\r\nb", "\n", "", " ", "\t", "\x00\x1b[31mred\x7f\x85", "\ud800", "\uffff",
    "שלום", "\u202eabc", "مرحبا", "😀", "日本語",
]  # fmt: skip


def visible(text: str) -> str:
    """What a reader can tell of a text: without its spaces, and control characters as one sign."""
    text = "".join(text.split(" ")).replace("\xa0", "")
    for newline in ("\r\n", "\r", "\n"):
        text = text.replace(newline, "")
    return "".join(
        "␀" if unicodedata.category(c) in ("Cc", "Cs") or c in "\ufffe\uffff\ufffd" or "␀" <= c <= "␡" else c
        for c in text
    )


def assert_labels_come_out(labels: list[str]) -> None:
    total = autograd.sum([Value(1.0, label) for label in labels])
    drawing = draw(total, max_nodes=10_000)
    lines = texts(drawing.svg)
    for i, node in enumerate(autograd.topological_order(total)[: len(labels)]):
        shown = "".join(lines[f"n{i}"][: lines[f"n{i}"].index("data")])
        assert visible(shown) == visible(node.label), node.label
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", drawing.dot + drawing.text)


def test_labels_are_data(executable):
    assert_labels_come_out(NASTY)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=12), min_size=2, max_size=20))
@example([chr(i) for i in range(256)])
def test_any_label_is_data(executable, labels):
    assert_labels_come_out([label for label in labels if "data" not in label] + ["a", "b"])


@pytest.mark.parametrize("label", NASTY)
def test_names_of_parameters_and_operations_are_data(executable, label):
    class Model:
        def named_parameters(self):
            return [(f"{label}.0.w", w), (f"{label}.{label}", b)]

    w, b = Value(1.0), Value(2.0)
    made = autograd.Operation("mine", lambda a, b: a + b, (1.0, 1.0), symbol=label)
    ET.fromstring(draw(made(w, b), model=Model()).svg)


# ----------------------------------------------------------------------------------------------- formats


def test_save_writes_what_the_suffix_says(executable, tmp_path):
    drawing = draw(small())
    for name, start in (("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG"), ("a.dot", b"digraph")):
        assert drawing.save(tmp_path / name) == tmp_path / name
        assert (tmp_path / name).read_bytes().startswith(start)
    assert drawing.save(str(tmp_path / "b.svg")).read_text(encoding="utf-8") == drawing.svg


def test_pdf_or_what_to_do_instead(executable, tmp_path):
    path = tmp_path / "a.pdf"
    if executable == "dot":
        assert draw(small()).save(path).read_bytes().startswith(b"%PDF")
    else:
        with pytest.raises(
            render.GraphvizError, match=r"makes no pdf(.|\n)*Save it as \.svg(.|\n)*apt install graphviz"
        ):
            draw(small()).save(path)
        assert not path.exists()


@pytest.mark.parametrize("path", ["graph.jpg", "graph", ".svg"])
def test_other_suffixes_are_refused(path, tmp_path):
    with pytest.raises(ValueError, match=r'(?s)\.svg, \.png, \.pdf, \.dot.*save\("graph\.svg"\)'):
        draw(small()).save(tmp_path / path)


def test_a_png_has_a_largest_size(executable, tmp_path):
    y = Value(1.0)
    for _ in range(250):
        y = -y
    data = draw(y).save(tmp_path / "a.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert 5900 <= width <= render.MOST_PIXELS + 2
    assert height < 100


def test_one_plain_font(executable):
    fonts = {text.get("font-family") for text in ET.fromstring(draw(small()).svg).iter(f"{SVG}text")}
    assert len(fonts) == 1
    assert set(re.findall(r"fontname=([^ \]]+)", draw(small()).dot)) == {"Helvetica"}


def test_jupyter_gets_svg_and_text(executable):
    bundle = draw(small())._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert "max-width:100%" in ET.fromstring(bundle["image/svg+xml"]).get("style")  # a wide picture is not cut off
    assert bundle["text/plain"].startswith("Drawing of 7 nodes and 7 edges:")


# ----------------------------------------------------------------------------------------------- the chain


def fake_dot(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "dot"
    path.write_text("#!/bin/sh\necho it says no >&2\nexit 3\n")
    path.chmod(0o755)
    return path


def test_the_order_of_the_executables(monkeypatch, tmp_path):
    chosen, on_path = fake_dot(tmp_path / "chosen"), fake_dot(tmp_path / "path")
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.setenv("GRAPHVIZ_DOT", str(chosen))
    assert render.executable() == str(chosen)
    monkeypatch.setenv("GRAPHVIZ_DOT", "")
    assert render.executable() == str(on_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    if EXECUTABLES["graphviz-pure"]:
        assert render.executable() == EXECUTABLES["graphviz-pure"]


def test_a_wrong_choice_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("GRAPHVIZ_DOT", "/nowhere/dot")
    with pytest.raises(render.GraphvizError, match=r"(?s)\$GRAPHVIZ_DOT is '/nowhere/dot'.*unset it"):
        draw(small()).svg  # noqa: B018


def test_a_failure_is_passed_on(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHVIZ_DOT", str(fake_dot(tmp_path / "chosen")))
    with pytest.raises(render.GraphvizError, match=r"(?s)exit status 3.*it says no.*drawing\.save\('graph\.dot'\)"):
        draw(small()).svg  # noqa: B018


def run(code: str, folder: Path, *flags: str, **environment: str) -> str:
    """What `code` prints in a Python of its own."""
    kept = {name: text for name, text in os.environ.items() if name not in ("GRAPHVIZ_DOT", "PATH", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-W", "error", *flags, "-c", textwrap.dedent(code)],
        env=kept | {"PYTHONIOENCODING": "utf-8"} | environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_an_executable_the_error_names_two_ways_and_the_dot_text_is_there(tmp_path):
    shutil.copytree(ROOT / "autograd", tmp_path / "autograd")
    shutil.copytree(Path(graphviz.__file__).parent, tmp_path / "graphviz")
    code = """
        import sys
        sys.path.insert(0, ".")
        from autograd import Value
        from autograd.drawing import draw
        x = Value(2.0, "x")
        drawing = draw(x * x)
        for attempt in (lambda: drawing.svg, lambda: drawing.save("a.png"), drawing.view):
            try:
                attempt()
            except RuntimeError as error:
                print(error)
        drawing.save("a.dot")
        bundle = drawing._repr_mimebundle_()
        print(sorted(bundle), bundle["text/vnd.graphviz"] == drawing.dot)
        print(bundle["text/plain"])
    """
    printed = run(code, tmp_path, "-S", PATH=str(tmp_path))
    assert printed.count("No Graphviz was found") == 4
    assert printed.count("pip install graphviz-pure") == printed.count("apt install graphviz") == 4
    assert "['text/plain', 'text/vnd.graphviz'] True" in printed
    assert "Drawing of 2 nodes and 2 edges:" in printed
    assert (tmp_path / "a.dot").read_text(encoding="utf-8").startswith("digraph")


@pytest.mark.skipif(os.name == "nt", reason="$BROWSER is not for Windows")
def test_view_opens_the_browser(tmp_path):
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    code = """
        from autograd import Value
        from autograd.drawing import draw
        print(draw(Value(2.0, "x") * 3).view())
    """
    environment = {
        "PATH": os.environ["PATH"],
        "BROWSER": f"{browser} %s",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    path = Path(run(code, tmp_path, **environment).strip())
    assert (tmp_path / "opened").read_text().strip() == path.as_uri()
    ET.parse(path)


# ----------------------------------------------------------------------------------------------- micrograd


def trace(root):
    nodes, edges, todo = set(), set(), [root]
    while todo:
        node = todo.pop()
        if node not in nodes:
            nodes.add(node)
            for operand in node._prev:
                edges.add((operand, node))
                todo.append(operand)
    return nodes, edges


def draw_dot(root, rankdir="LR"):
    """What the trace_graph notebook of micrograd does: a record for a number, a circle for an operation."""
    graph = graphviz.Digraph(graph_attr={"rankdir": rankdir})
    nodes, edges = trace(root)
    for node in nodes:
        numbers = f"{{ {node.label} | data {node.data:.4f} | grad {node.grad:.4f} }}"
        graph.node(str(id(node)), label=numbers, shape="record")
        if node._op:
            graph.node(str(id(node)) + node._op, label=node._op)
            graph.edge(str(id(node)) + node._op, str(id(node)))
    for operand, node in edges:
        graph.edge(str(id(operand)), str(id(node)) + node._op)
    return graph


def test_draw_dot_of_micrograd_runs_on_these_values(executable):
    model = nn.MLP(2, [3, 1], activation="relu", seed=0)
    loss = (model([1.0, -2.0]) - 1.0) ** 2 / 2 + abs(model.layers[0].neurons[0].bias)
    loss.backward()
    svg = render.render(draw_dot(loss).source, "svg").decode()
    shown = [" ".join(lines).replace("\xa0", " ").strip() for lines in texts(svg).values()]
    order = autograd.topological_order(loss)
    numbers = [f"data {node.data:.4f} grad {node.grad:.4f}" for node in order]
    operations = [node._op for node in order if node.parents]
    assert sorted(shown) == sorted(numbers + operations)
    assert {"ReLU", "+", "*", "**2", "/", "abs"} <= set(operations)


# ----------------------------------------------------------------------------------------------- networks


def test_the_layered_diagram_of_a_network(executable):
    model = nn.MLP(2, [3, 1], seed=0)
    drawing = draw(model)
    graph = json.loads(render.render(drawing.dot, "dot_json"))
    names = {thing["_gvid"]: thing["name"] for thing in graph["objects"]}
    lines = {(names[edge["tail"]], names[edge["head"]]): edge for edge in graph["edges"]}
    weights = {}
    for layer, made in enumerate(model.layers):
        for neuron, unit in enumerate(made.neurons):
            for i, weight in enumerate(unit.weights):
                weights[f"i{i}" if layer == 0 else f"l{layer - 1}_{i}", f"l{layer}_{neuron}"] = weight.data
    assert lines.keys() == weights.keys()
    assert all((edge.get("style") == "dashed") == (weights[ends] < 0) for ends, edge in lines.items())
    width = {abs(weights[ends]): float(edge["penwidth"]) for ends, edge in lines.items()}
    assert [width[size] for size in sorted(width)] == sorted(width.values()), "the larger, the wider"
    at = {
        name: tuple(map(float, thing["pos"].strip("!").split(",")))
        for thing in graph["objects"]
        for name in [thing["name"]]
    }
    assert len({at[f"l0_{i}"][0] for i in range(3)}) == 1, "a layer is a column"
    assert at["i0"][0] < at["l0_0"][0] < at["l1_0"][0]
    assert "layer 0tanh" in {"".join(text) for text in texts(drawing.svg).values()}
    assert drawing.text == "Drawing of a network, 2 -> 3 tanh -> 1"
    assert set(texts(draw(model, direction="TB", colour=False).svg)) == set(texts(drawing.svg))


@pytest.mark.parametrize(
    ("model", "shape"), [(nn.Layer(3, 2, seed=0), "3 -> 2 tanh"), (nn.Neuron(2, seed=0), "2 -> 1 tanh")]
)
def test_a_layer_and_a_neuron_are_networks_too(executable, model, shape):
    drawing = draw(model)
    assert drawing.text == f"Drawing of a network, {shape}"
    ET.fromstring(drawing.svg)


def test_a_wide_layer_shows_its_first_neurons(executable):
    shown = texts(draw(nn.MLP(40, [3, 20, 1], seed=0), max_nodes=5).svg)
    assert shown["more0"] == ["… 36 more"]
    assert shown["more2"] == ["… 16 more"]
    assert {name for name in shown if name.startswith("l1_")} == {f"l1_{i}" for i in range(4)}


class Odd(nn.Module):
    def __init__(self, **parts):
        self.__dict__ |= parts


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Odd(slope=Value(1.0)), "'slope' is no weight or bias"),
        (Odd(), "it has no parameters"),
        (Odd(layers=[nn.Layer(2, 3, seed=0), nn.Layer(2, 1, seed=0)]), "'layer 1.*' does not have 3 weight"),
    ],
)
def test_what_is_no_network_of_layers_is_refused(model, reason):
    with pytest.raises(ValueError, match=rf"(?s){reason}.*draw\(model\(row\), model=model\)"):
        draw(model)


# ----------------------------------------------------------------------------------------------- draw itself

REFUSED = {
    "a number": (TypeError, "draw was given float", lambda: draw(3.0)),
    "a list": (TypeError, r"autograd\.sum\(values\)", lambda: draw([Value(1.0)])),
    "a direction": (ValueError, 'direction="LR"', lambda: draw(small(), direction="left")),
    "digits": (ValueError, "digits=1 or more", lambda: draw(small(), digits=0)),
    "max_nodes": (ValueError, "max_nodes=2 or more", lambda: draw(small(), max_nodes=1)),
    "half a node": (ValueError, "whole number", lambda: draw(small(), max_nodes=2.5)),
    "a model": (TypeError, "named_parameters", lambda: draw(small(), model=[Value(1.0)])),
    "steps of a network": (TypeError, r"autograd\.explore\(model\(row\), path\)", lambda: draw(MODEL).explore()),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_draw_refuses(what):
    error, message, attempt = REFUSED[what]
    with pytest.raises(error, match=message):
        attempt()


def test_in_plain_text():
    drawing = draw(small())
    assert repr(drawing) == '<drawing of 7 nodes and 7 edges: .view(), .save("graph.svg")>'
    assert drawing.text == textwrap.dedent("""\
        Drawing of 7 nodes and 7 edges:
          node  label  operation     data     grad
          n0    x      leaf           2.0      4.0
          n1           constant       3.0
          n2    y      leaf          -0.5  -0.6694
          n3           * (n0, n0)     4.0      1.0
          n4           * (n1, n2)    -1.5  -0.2231
          n5           exp (n4)    0.2231     -1.0
          n6    z      - (n3, n5)  3.7769      1.0""")
    y = Value(1.0)
    for _ in range(100):
        y = -y
    assert draw(y).text.splitlines()[2] == "  … 81 more"
    assert len(draw(y).text.splitlines()) == 23


def test_the_page_to_step_through(tmp_path):
    path = tmp_path / "steps.html"
    draw(small()).explore(path)
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html")


def test_colour_says_sign_and_strength_and_can_be_left_out():
    def fills(drawing: Drawing) -> dict[str, str]:
        return dict(re.findall(r'^\s(n\d+) \[.*?fillcolor="(#\w+)"', drawing.dot, re.M))

    x, y = Value(2.0, "x"), Value(3.0, "y")
    fill = fills(draw(x * 4 - y))  # n0 is x with adjoint 4, n2 is y with adjoint -1
    red, blue = (lambda name: int(fill[name][1:3], 16)), (lambda name: int(fill[name][5:7], 16))
    assert blue("n0") > red("n0") and blue("n2") < red("n2"), "blue is positive, orange is negative"
    assert red("n0") < red("n4") < 255, "the root, adjoint 1, is fainter than x, adjoint 4"
    assert fills(draw(x * 4 - y, colour=False)) == {}
    assert fills(draw(x * 0.0))["n0"] == "#ffffff"
    assert fills(draw(x * float("nan")))["n0"] == "#d9d9d9"


def test_digits_are_decimals():
    z = Value(1 / 3, "x") * Value(2e-9 / 3, "y")
    written = re.findall(r">([-\d.e]+)<", draw(z, digits=2).dot)
    assert {"0.33", "6.7e-10", "2.2e-10"} <= set(written)
