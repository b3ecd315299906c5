"""Pictures of the graph behind a value, drawn by Graphviz, and the page to step through it."""

from __future__ import annotations

import os
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

from autograd.value import Value

DIRECTIONS = ("LR", "RL", "TB", "BT")
SUFFIXES = (".svg", ".png", ".pdf", ".dot")


def draw(
    value: Any,
    *,
    direction: str = "LR",
    digits: int = 4,
    colour: bool = True,
    constants: bool = True,
    max_nodes: int | None = None,
    model: Any = None,
) -> Drawing:
    """The graph behind `value`: a node with label, operation, data and grad for every Value, a local derivative on
    every edge. x * x has two edges.

    The grad shown is the adjoint d value / d node, computed anew: no `backward()` has to run before, and none is
    disturbed. Given a network instead of a Value (anything with `named_parameters()` in layers, neurons, weights, as
    nn.MLP), it draws the layered diagram: weights as lines, their width the size, their colour and dashes the sign.

    direction  where the result is: "LR" (right), "RL", "TB" (bottom) or "BT"
    digits     decimals of the numbers; all digits appear when the mouse rests on a node of the SVG
    colour     nodes blue for a positive adjoint, orange for a negative one, the deeper the larger; edges by what they
               add to the adjoint of their parent, dashed where that is negative
    constants  False hides plain numbers in expressions; the operation shows them
    max_nodes  300 unless given: in a larger graph what is farthest from `value` becomes one node "… 812 more nodes";
               of a network, the most neurons that a layer shows, 12 unless given
    model      a network whose parameters are boxed by layer and neuron

    >>> x = Value(3.0, "x")
    >>> draw(x * x)
    <drawing of 2 nodes and 2 edges: .view(), .save("graph.svg")>

    Raises TypeError when value is neither or model is no network, ValueError for another direction, fewer than one
    digit, fewer than two nodes.
    """
    if direction not in DIRECTIONS:
        raise ValueError(
            f"direction={direction!r} is not one of {', '.join(DIRECTIONS)}.\n"
            '  It says where the arrows lead, "LR" from left to right.\n  Write direction="LR".'
        )
    for name, number, least in (("digits", digits, 1), ("max_nodes", max_nodes, 2)):
        if number is not None and (not isinstance(number, Integral) or number < least):
            raise ValueError(
                f"{name}={number!r} is too few or no whole number.\n"
                f"  A picture needs {name} of at least {least}.\n  Write {name}={least} or more."
            )
    check_model(model, "draw")
    if isinstance(value, Value):
        from autograd.drawing import dot, picture, text

        shown = picture.picture_of(value, constants, max_nodes or 300, model)
        return Drawing(dot.dot_text(shown, direction, digits, colour), text.listing(shown, digits), (value, model))
    if hasattr(value, "named_parameters"):
        from autograd.drawing import network

        layers = network.layers_of(value)
        return Drawing(network.dot_text(layers, direction, digits, colour, max_nodes or 12), network.listing(layers))
    raise TypeError(
        f"draw was given {type(value).__name__} in place of a Value or a network.\n"
        "  A picture shows the graph that was recorded behind one node.\n"
        "  Write draw(x * y) with at least one of x and y a Value; of a list of them draw(autograd.sum(values))."
    )


def check_model(model: Any, function: str) -> None:
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(
            f"{function} was given {type(model).__name__} as its model, which has no named_parameters().\n"
            "  Their names say which parameters belong to one neuron and one layer.\n"
            f"  Write {function}(loss, model=nn.MLP(...)), or leave the model out."
        )


class Drawing:
    """A picture: in Jupyter it shows itself.

    dot   its DOT text, for which Graphviz is not needed
    text  its nodes in plain text, the root last
    svg   its SVG

    Where no executable of Graphviz is found, `svg`, `save` and `view` raise GraphvizError.
    """

    def __init__(self, dot: str, text: str, source: tuple[Value, Any] | None = None) -> None:
        self.dot, self.text, self._source = dot, text, source

    @cached_property
    def svg(self) -> str:
        from autograd.drawing.render import render

        return render(self.dot, "svg").decode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture as the suffix of `path` says: .svg, .png, .pdf or .dot. Returns the path.

        A PNG is made smaller where it would have more than 6,000 pixels a side; an SVG stays sharp at any size.

        Raises ValueError for another suffix, GraphvizError where no executable of Graphviz makes that format.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(
                f"{str(path)!r} does not end in {', '.join(SUFFIXES)}.\n"
                '  The suffix says what to write.\n  Write .save("graph.svg").'
            )
        if suffix in (".dot", ".svg"):
            content = (self.dot if suffix == ".dot" else self.svg).encode()
        else:
            from autograd.drawing.render import render

            content = render(self.dot, suffix[1:])
        path.write_bytes(content)
        return path

    def view(self) -> Path:
        """Open the picture in the browser, from a file in the folder for temporary ones. Returns its path."""
        import tempfile
        import webbrowser

        path = self.save(Path(tempfile.mkdtemp(prefix="autograd-")) / "graph.svg")
        webbrowser.open(path.as_uri())
        return path

    def explore(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """The page to step through the graph: `autograd.explore(value, path)`. Raises TypeError for a network."""
        if self._source is None:
            raise TypeError(
                "The diagram of a network has no steps.\n  They are those of one result.\n"
                "  Write autograd.explore(model(row), path)."
            )
        from autograd.drawing.stepper import explore

        value, model = self._source
        return explore(value, path, **{"model": model, **options})

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from autograd.drawing.render import GraphvizError

        try:
            # As wide as the notebook at most; a file keeps its size.
            fitting = self.svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)
            return {"image/svg+xml": fitting, "text/plain": self.text}
        except GraphvizError as error:
            return {"text/plain": f"{self.text}\n\n{error}", "text/vnd.graphviz": self.dot}

    def __repr__(self) -> str:
        return f'<{self.text.partition(chr(10))[0].rstrip(":").lower()}: .view(), .save("graph.svg")>'
