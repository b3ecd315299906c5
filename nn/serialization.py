"""save and load: a model as a JSON text that holds names and numbers, nothing that could be executed.

    {"format": "scalar-autograd model", "version": 1,
     "model": {"type": "MLP", "arguments": {"n_inputs": 2, "sizes": [3, 1], ...}},
     "parameters": {"layers.0.neurons.0.weights.0": 0.1, ...},
     "sha256": "..."}

The sum is that of all the rest; it finds damage and edits by hand, it is no signature. Python's shortest text of a
double gives back the same double; infinities and NaN, which JSON lacks, are the texts "inf", "-inf" and "nan".
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from autograd.files import digest, write_whole
from autograd.formatting import on_one_line, shown
from nn.modules import ACTIVATIONS, MLP, Layer, Module, Neuron

FORMAT, VERSION = "scalar-autograd model", 1


def save(model: Module, path: str | os.PathLike[str]) -> None:
    """Write the model to `path`: all its parameters and, for nn's own kinds, its architecture.

    The file is complete or not there: an interrupted save leaves the old one. A model of your own class, or with
    an activation that is a function, is loaded into a new one: nn.load(path, model=Mine()).
    """
    _check_module(model, "save writes", "nn.save({}, path)")
    numbers = {name: number if isfinite(number) else repr(number) for name, number in model.state_dict().items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "model": {"type": type(model).__name__, "arguments": _arguments(model)},
        "parameters": numbers,
    }
    write_whole(path, json.dumps(content | {"sha256": digest(content)}, indent=1) + "\n")


def load(path: str | os.PathLike[str], model: Module | None = None) -> Any:
    """The model that `save` wrote to `path`, every double as it was; with `model`, its numbers put into that one.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save(MLP(2, [3, 1], seed=0), folder + "/model.json")
    ...     again = load(folder + "/model.json")
    >>> again
    MLP(2 -> 3 tanh -> 1)
    >>> again.state_dict() == MLP(2, [3, 1], seed=0).state_dict()
    True

    Executes nothing. Raises ValueError, saying what is wrong, for a file that is truncated, changed, of another
    format or version, or of a model that does not fit.
    """
    if model is not None:
        _check_module(model, "load fills", "nn.load(path, model={})")
    content = _read(path)
    kind, arguments = content["model"]["type"], content["model"].get("arguments")
    numbers = {name: float(number) for name, number in content["parameters"].items()}
    if model is None:
        if arguments is None:
            raise ValueError(
                f"{path} holds the parameters of a {on_one_line(kind)} of yours, but not how to build one.\n"
                "  A file holds names and numbers, no code: a class or function of your own is not in it.\n"
                f"  Write nn.load(path, model={on_one_line(kind)}(...))."
            )
        sizes = [arguments["n_inputs"], *arguments["sizes"]]
        if len(numbers) != sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)):  # before it takes memory
            _fail(path, f"{len(numbers)} parameters do not make a {kind} of the sizes {sizes}")
        model = _build(kind, arguments)
    try:
        model.load_state_dict(numbers)
    except KeyError as error:
        differing = str(error).partition("\n")[0].partition(". ")[2]
        raise ValueError(
            f"{path} holds the parameters of {on_one_line(kind)}, which do not fit into this {shown(model)}.\n"
            f"  {differing}\n"
            "  Write nn.load(path) for the model as it was saved, or give a model of the same shape."
        ) from None
    return model


def _check_module(model: Any, what: str, call: str) -> None:
    if isinstance(model, type) or not (hasattr(model, "state_dict") and hasattr(model, "load_state_dict")):
        estimator = hasattr(model, "get_params") and hasattr(model, "fit")
        why = (
            "The model of an estimator is in its attribute model_, after fit."
            if estimator
            else "A file holds the parameters of a model by their names."
        )
        raise TypeError(
            f"{what} a Module, got {shown(model)}.\n  {why}\n"
            f"  Write {call.format('estimator.model_' if estimator else 'model')}."
        )


def _arguments(model: Any) -> dict[str, Any] | None:
    """What `_build` needs, or None for what it cannot build."""
    if type(model) is Neuron:
        shape = [(len(model.weights), 1, model.activation)]
    elif type(model) in (Layer, MLP):
        layers = model.layers if type(model) is MLP else [model]
        shape = [(layer.n_inputs, len(layer.neurons), layer.activation) for layer in layers]
    else:
        return None
    found = {"n_inputs": shape[0][0], "sizes": [n for _, n, _ in shape], "activations": [f for _, _, f in shape]}
    if _problem({"model": {"type": type(model).__name__, "arguments": found}, "parameters": {}}):
        return None
    same = _build(type(model).__name__, found).state_dict().keys() == model.state_dict().keys()
    return found if same else None


def _build(kind: str, arguments: dict[str, Any]) -> Module:
    n_inputs, sizes, activations = arguments["n_inputs"], arguments["sizes"], arguments["activations"]
    if kind == "MLP":
        return MLP(n_inputs, sizes, activations[0], activations[-1])
    return Neuron(n_inputs, activations[0]) if kind == "Neuron" else Layer(n_inputs, sizes[0], activations[0])


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    try:
        text = Path(path).read_bytes().decode("utf-8")
        content = json.loads(text, object_pairs_hook=without_duplicates)
    except UnicodeDecodeError:
        _fail(path, "it is no text")
    except (ValueError, RecursionError) as error:
        _fail(path, f"it is truncated or no JSON ({error})")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        _fail(path, f'it has no "format": "{FORMAT}"')
    if content.get("version") != VERSION:
        _fail(path, f"it is of version {shown(content.get('version'))}, and this program reads version {VERSION}")
    if content.pop("sha256", None) != digest(content):
        _fail(path, "it was changed after it was saved: its sha256 does not fit")
    problem = _problem(content)
    if problem:
        _fail(path, problem)
    return content


def _problem(content: dict[str, Any]) -> str:
    """What is wrong with the structure, "" for nothing: a file can be forged, sum included."""
    model, parameters = content.get("model"), content.get("parameters")
    if not isinstance(model, dict) or not isinstance(model.get("type"), str) or not isinstance(parameters, dict):
        return 'its "model" or its "parameters" are missing'
    for name, number in parameters.items():
        if number not in ("nan", "inf", "-inf") and type(number) is not float:
            return f"the parameter {shown(name)} is {shown(number)}, no number"
    arguments = model.get("arguments")
    if arguments is None:
        return ""
    if model["type"] not in ("MLP", "Layer", "Neuron"):
        return f"there is no {shown(model['type'])} to build"
    if not isinstance(arguments, dict) or arguments.keys() != {"n_inputs", "sizes", "activations"}:
        return "the arguments of its model are others than n_inputs, sizes and activations"
    sizes, activations = arguments["sizes"], arguments["activations"]
    if not isinstance(sizes, list) or not isinstance(activations, list) or not 0 < len(sizes) == len(activations):
        return "it needs as many activations as sizes, at least one"
    if any(type(size) is not int or size < 1 for size in (arguments["n_inputs"], *sizes)):
        return "its sizes are no whole numbers of at least 1"
    if model["type"] == "MLP":
        hidden = activations[:-1]
        if any(activation != hidden[0] for activation in hidden):
            return f"an MLP has one activation for all hidden layers, got {shown(hidden)}"
    elif len(sizes) != 1 or (model["type"] == "Neuron" and sizes != [1]):
        return f"a {model['type']} is of one size, got {shown(sizes)}"
    for activation in activations:
        if activation is not None and activation not in ACTIVATIONS:
            return f"there is no activation {shown(activation)}"
    return ""


def _fail(path: Any, problem: str) -> NoReturn:
    raise ValueError(
        f"{os.fspath(path)} is no model that can be loaded: {on_one_line(problem, 200)}.\n"
        "  It is not, or no longer, what nn.save has written; nothing was loaded.\n"
        "  Write nn.save(model, path) to save the model again."
    )
