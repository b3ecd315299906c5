"""Neurons, layers and multilayer perceptrons: z = W h + b, h = f(z), with W^l of shape n_l x n_(l-1).

A module finds its parameters by looking at its attributes, as in PyTorch: Values, modules, and lists of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from difflib import get_close_matches
from operator import methodcaller
from random import Random
from typing import Any

from autograd import Value
from autograd.dispatch import as_int, plain
from autograd.formatting import shown
from autograd.reductions import dot_of_lists
from autograd.structure import is_sequence
from nn.initialization import INITIALIZERS, generator_of

Activation = str | Callable[[Any], Any] | None
ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky_relu", "softplus", "erf", "sin", "identity")


class StateError(KeyError):
    """The names in a state are not those of the model's parameters."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError shows its argument as repr, line breaks and all


class Module:
    """Something with parameters. A subclass keeps Values, modules or lists of them as attributes.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercept = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.intercept
    >>> Line().state_dict()
    {'slope': 2.0, 'intercept': 1.0}
    """

    def __call__(self, inputs: Any) -> Any:
        """The prediction for one row. A subclass says how."""
        kind = type(self).__name__
        raise NotImplementedError(
            f"{kind} has no __call__(self, inputs) that gives a prediction.\n"
            "  A Module knows parameters; what is computed with them is up to the subclass.\n"
            f"  Write def __call__(self, inputs): ... in the class {kind}, and return a Value."
        )

    def parameters(self) -> list[Value]:
        """The parameters, each once, in the order in which the attributes were set."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """(name, parameter) pairs; a name is the path to it, as in ``layers.0.neurons.2.weights.1``."""
        first_names: dict[Value, str] = {}
        for name, parameter in _find("", vars(self)):
            first_names.setdefault(parameter, name)
        return [(name, parameter) for parameter, name in first_names.items()]

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0.0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the parameters to the numbers of a `state_dict`.

        Raises StateError, a KeyError, that lists the names that are missing or unknown, TypeError for what is no
        number; then nothing was changed.
        """
        named = dict(self.named_parameters())
        missing, unknown = [n for n in named if n not in state], [n for n in state if n not in named]
        if missing or unknown:
            raise StateError(
                f"The state does not fit the model. Missing: {shown(missing)}. Unknown: {shown(unknown)}.\n"
                f"  The model has {len(named)} parameters with names of their own; none was changed.\n"
                "  Write model.load_state_dict(other.state_dict()) for a model other of the same shape."
            )
        numbers = {name: Value(number).data for name, number in state.items()}
        for name, parameter in named.items():
            parameter.data = numbers[name]


def _find(path: str, found: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(found, Value):
        yield path, found
    elif isinstance(found, (Module, Mapping, list, tuple)):
        children = vars(found) if isinstance(found, Module) else found
        for key, child in children.items() if isinstance(children, Mapping) else enumerate(children):
            yield from _find(f"{path}.{key}" if path else str(key), child)


class Neuron(Module):
    """One unit, f(w . x + b): weights w (n_inputs numbers), bias b (starts at 0) and activation f.

    activation      a name ("tanh", "sigmoid", "relu", "leaky_relu", "softplus", ...), a function of a Value, or None
    seed            an int or a random.Random
    initialization  a name in nn.INITIALIZERS; by default He for the ReLU family, Xavier for the others

    >>> neuron = Neuron(2, activation=None, seed=0)
    >>> neuron.load_state_dict({"weights.0": 2.0, "weights.1": -1.0, "bias": 0.5})
    >>> neuron([1.0, 3.0])
    Value(-0.5, grad=0.0)
    """

    def __init__(
        self,
        n_inputs: int,
        activation: Activation = "tanh",
        seed: int | Random | None = None,
        initialization: str | None = None,
        n_outputs: int = 1,
    ) -> None:
        generator, n_inputs = generator_of(seed), _size(n_inputs)
        if initialization is None:
            initialization = "he_normal" if activation in ("relu", "leaky_relu", "softplus") else "xavier_normal"
        draw = INITIALIZERS[_known(initialization, INITIALIZERS, "initialization")]
        self.activation = activation
        self.weights = [Value(draw(n_inputs, n_outputs, generator)) for _ in range(n_inputs)]
        self.bias = Value(0.0)
        self._function = _activation_function(activation)

    def __call__(self, inputs: Iterable[Any]) -> Value:
        """f(w . x + b). Raises ValueError unless there are as many inputs as weights."""
        return self.forward(_checked(inputs, len(self.weights), self))

    def forward(self, inputs: Iterable[Any]) -> Value:
        """f(w . x + b) for numbers or Values that were checked before, as a layer does for all of its neurons."""
        result: Value = self._function(dot_of_lists(self.weights, list(inputs)) + self.bias)
        return result

    def __repr__(self) -> str:
        return f"Neuron({len(self.weights)} -> 1 {_name(self.activation)}".rstrip() + ")"


class Layer(Module):
    """Neurons side by side: h = f(W x + b), W of shape n_outputs x n_inputs; arguments as for `Neuron`.

    >>> Layer(3, 2, "relu", seed=0)
    Layer(3 -> 2 relu)
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        activation: Activation = "tanh",
        seed: int | Random | None = None,
        initialization: str | None = None,
    ) -> None:
        n_inputs, n_outputs = map(_size, (n_inputs, n_outputs))
        generator = generator_of(seed)
        self.n_inputs = n_inputs
        self.activation = activation
        self.neurons = [Neuron(n_inputs, activation, generator, initialization, n_outputs) for _ in range(n_outputs)]

    def forward(self, inputs: Iterable[Any]) -> list[Value]:
        """The outputs as a list, also when there is only one, for inputs that were checked before."""
        given = list(inputs)
        return [neuron.forward(given) for neuron in self.neurons]

    def __call__(self, inputs: Iterable[Any]) -> Value | list[Value]:
        """The outputs as a list; a single output as the Value itself.

        Raises ValueError for a wrong number of inputs, TypeError for what is no number.
        """
        return _single_or_list(self.forward(_checked(inputs, self.n_inputs, self)))

    def __repr__(self) -> str:
        return f"Layer({self.n_inputs} -> {len(self.neurons)} {_name(self.activation)}".rstrip() + ")"


class MLP(Module):
    """A multilayer perceptron: n_inputs -> sizes[0] -> ... -> sizes[-1].

    activation         f of every layer but the last; see `Neuron`
    output_activation  f of the last layer; None leaves the numbers as they are (regression, logits)
    seed               an int or a random.Random: the same seed, the same weights

    Called with a sequence of n_inputs numbers it returns a list with one Value per output, except that a single
    output is returned as the Value itself.

    >>> model = MLP(2, [3, 1], seed=0)
    >>> model
    MLP(2 -> 3 tanh -> 1)
    >>> model([1.0, -2.0])
    Value(1.0094, grad=0.0)

    Source: lecture 004, "(Deep) Neural networks compute through forward propagation".
    """

    def __init__(
        self,
        n_inputs: int,
        sizes: Sequence[int],
        activation: Activation = "tanh",
        output_activation: Activation = None,
        seed: int | Random | None = None,
        initialization: str | None = None,
    ) -> None:
        if not is_sequence(sizes):
            raise TypeError(
                f"The sizes of an MLP are a list, got {shown(sizes)}.\n  It has a number for each layer.\n"
                f"  Write MLP({shown(n_inputs)}, [{shown(sizes)}])."
            )
        sizes = list(sizes)
        if not sizes:
            raise ValueError(
                f"An MLP needs at least one layer, got the sizes {sizes}.\n  The last size is the number of outputs.\n"
                f"  Write MLP({shown(n_inputs)}, [1]) for one output."
            )
        generator = generator_of(seed)
        activations = [activation] * (len(sizes) - 1) + [output_activation]
        self.layers = [
            Layer(n_in, n_out, f, generator, initialization)
            for n_in, n_out, f in zip([n_inputs, *sizes], sizes, activations)
        ]

    def __call__(self, inputs: Iterable[Any]) -> Value | list[Value]:
        """The outputs as a list; a single output as the Value itself.

        Raises ValueError for a wrong number of inputs, TypeError for what is no number.
        """
        h: Iterable[Any] = _checked(inputs, self.layers[0].n_inputs, self)
        for layer in self.layers:
            h = outputs = layer.forward(h)
        return _single_or_list(outputs)

    def __repr__(self) -> str:
        steps = (f"{len(layer.neurons)} {_name(layer.activation)}".rstrip() for layer in self.layers)
        return f"MLP({self.layers[0].n_inputs} -> {' -> '.join(steps)})"


def _size(size: Any) -> int:
    number = as_int(size) if hasattr(plain(size), "__index__") else 0
    if number < 1:
        raise ValueError(
            f"A layer has a whole number of inputs and of outputs, at least 1 of each; got {shown(size)}.\n"
            "  Each output is a neuron with a weight for each input.\n"
            "  Write nn.Layer(2, 3) for two inputs and three outputs, nn.MLP(2, [3, 1]) for layers of 3 and 1."
        )
    return number


def _activation_function(activation: Activation) -> Callable[[Any], Any]:
    if activation is None:
        return _linear
    if callable(activation):
        return activation
    return methodcaller(_known(activation, ACTIVATIONS, "activation"))  # z.relu(), by the shortest way


def _linear(z: Any) -> Any:
    return z


def _known(name: str, names: Iterable[str], what: str) -> str:
    if name not in list(names):
        near = get_close_matches(str(name), names, 1, 0.0)[0]
        raise ValueError(f'Unknown {what} {shown(name)}.\n  Known are {", ".join(names)}.\n  Write {what}="{near}".')
    return name


def _name(activation: Activation) -> str:
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "")


def _checked(inputs: Iterable[Any], n_inputs: int, model: Module) -> list[Any]:
    if not isinstance(inputs, Iterable) or isinstance(inputs, (str, Mapping, Set)) or getattr(inputs, "ndim", 1) == 0:
        raise TypeError(
            f"{shown(model)} takes a sequence of {n_inputs} number(s), got {type(inputs).__name__}: {shown(inputs)}.\n"
            "  A row holds a number for each input, in order.\n"
            f"  Write model({_example(n_inputs)})."
        )
    given = list(inputs)
    for x in given:
        if x is None or isinstance(x, str):
            raise TypeError(
                f"{shown(model)} takes numbers, got {shown(x)}.\n"
                "  Texts and missing numbers have no products with weights.\n"
                f"  Write model({_example(n_inputs)}), with categories as 0.0 and 1.0."
            )
        if isinstance(x, Iterable):
            raise TypeError(
                f"{shown(model)} takes one row at a time, got {shown(x)} as one of its numbers.\n"
                "  A row holds a number for each input.\n  Write [model(row) for row in rows]."
            )
    if len(given) != n_inputs:
        raise ValueError(
            f"{shown(model)} takes {n_inputs} inputs, got {len(given)}.\n"
            "  Each weight of the first layer is multiplied by one input.\n"
            f"  Write model({_example(n_inputs)})."
        )
    return given


def _example(n_inputs: int) -> str:
    """A row as code: "[x1, x2]"."""
    names = [f"x{i}" for i in range(1, n_inputs + 1)] if n_inputs <= 4 else ["x1", "x2", "...", f"x{n_inputs}"]
    return f"[{', '.join(names)}]"


def _single_or_list(outputs: list[Value]) -> Value | list[Value]:
    return outputs[0] if len(outputs) == 1 else outputs
