"""What changes while a model learns: the compiled engine does what the eager one does, or stays eager and says why."""

from __future__ import annotations

import itertools
import random
import re
from functools import partial

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(20, 2))
Y = np.sin(X.sum(axis=1))
CLASSES = (X[:, 0] > 0).astype(int)
STRENGTH = 0.1


class Scaled(nn.Module):
    """A model with everything that people change from outside."""

    factor = 1.0  # of the class

    def __init__(self):
        self.network = nn.MLP(2, [3, 1], seed=0)
        self.scale, self.skips, self.weights = 1.0, False, np.ones(2)
        self.options = {"shift": [0.0]}

    def __call__(self, x):
        z = self.network([x_i * w for x_i, w in zip(x, self.weights)]) * self.scale * self.factor
        return z + x[0] if self.skips else z + self.options["shift"][0]


class Weighted:
    def __init__(self):
        self.weights = [1.0, 1.0]

    def __call__(self, prediction, target):
        weight = autograd.where(target > 0, *reversed(self.weights))
        return weight * nn.squared_error(prediction, target)


class Slotted:
    __slots__ = ("strength",)

    def __init__(self):
        self.strength = 0.1

    def penalty(self, parameters):
        return self.strength * nn.l2_penalty(parameters)


def scaled_penalty(parameters, strength):
    return strength[0] * nn.l2_penalty(parameters)


def of_global(parameters):
    return STRENGTH * nn.l2_penalty(parameters)


def set_global(strength):
    globals()["STRENGTH"] = strength


def replace(owner, name, new):
    """A callback that sets an attribute after the second epoch, to the same object in each run."""
    return lambda history: setattr(owner, name, new) if len(history.loss) == 2 else None


def change(action):
    return lambda history: action() if len(history.loss) in (2, 4) else None


def penalty_of_a_closure():
    strength = [0.1]
    return Scaled(), {
        "penalty": lambda ps: strength[0] * nn.l2_penalty(ps),
        "callbacks": [change(lambda: strength.__setitem__(0, strength[0] * 0.5))],
    }


def penalty_of_a_number_in_a_closure():
    strength = 0.1

    def halve(history):
        nonlocal strength
        strength *= 0.5

    return Scaled(), {"penalty": lambda ps: strength * nn.l2_penalty(ps), "callbacks": halve}


def penalty_of_a_default():
    strength = [0.1]
    return Scaled(), {
        "penalty": lambda ps, strength=strength: strength[0] * nn.l1_penalty(ps),
        "callbacks": change(lambda: strength.append(strength.pop() + 1.0)),
    }


def penalty_of_a_partial():
    strength = np.array([0.1])
    return Scaled(), {
        "penalty": partial(scaled_penalty, strength=strength),
        "callbacks": change(lambda: strength.__imul__(0.5)),
    }


def penalty_of_a_global():
    set_global(0.1)
    return Scaled(), {"penalty": of_global, "callbacks": change(lambda: set_global(STRENGTH * 3))}


def penalty_of_a_method():
    owner = Slotted()
    return Scaled(), {"penalty": owner.penalty, "callbacks": replace(owner, "strength", 0.7)}


def weights_of_a_loss():
    loss = Weighted()
    return Scaled(), {"loss": loss, "callbacks": change(lambda: loss.weights.__setitem__(1, 3.0))}


def scale_of_a_model():
    model = Scaled()
    return model, {"callbacks": replace(model, "scale", 0.5)}


def switch_of_a_model():
    model = Scaled()
    return model, {"callbacks": change(lambda: setattr(model, "skips", not model.skips))}


def array_of_a_model():
    model = Scaled()
    return model, {"callbacks": change(lambda: model.weights.__setitem__(1, 0.25))}


def dictionary_of_a_model():
    model = Scaled()
    return model, {"callbacks": change(lambda: model.options["shift"].__setitem__(0, 0.3))}


def attribute_of_a_class():
    class Mine(Scaled):
        factor = 2.0

    return Mine(), {"callbacks": change(lambda: setattr(Mine, "factor", 0.5))}


def activation_of_a_model():
    model = Scaled()
    neuron = model.network.layers[0].neurons[1]
    return model, {"callbacks": replace(neuron, "_function", autograd.relu)}


def parameter_of_a_model():
    model = Scaled()
    new = Value(0.7)
    return model, {
        "callbacks": replace(model.network.layers[1].neurons[0], "bias", new),
        "penalty": lambda ps: 0.01 * nn.l2_penalty(ps),
        "watched": [new],
    }


def layer_of_a_model():
    model = Scaled()
    return model, {"callbacks": change(lambda: model.network.layers.__setitem__(0, nn.Layer(2, 3, seed=5)))}


def parameters_of_the_optimizer():
    model = Scaled()
    frozen = model.network.layers[0].parameters()
    return model, {
        "callbacks": change(lambda: None),
        "freeze": lambda optimizer: change(lambda: freeze(optimizer, frozen)),
    }


def freeze(optimizer, frozen):
    kept = [(p, state) for p, state in zip(optimizer.parameters, optimizer.states) if p not in frozen]
    optimizer.parameters, optimizer.states = [p for p, _ in kept], [state for _, state in kept]


CHANGES = [
    penalty_of_a_closure, penalty_of_a_number_in_a_closure, penalty_of_a_default, penalty_of_a_partial,
    penalty_of_a_global, penalty_of_a_method, weights_of_a_loss, scale_of_a_model, switch_of_a_model, array_of_a_model,
    dictionary_of_a_model, attribute_of_a_class, activation_of_a_model, parameter_of_a_model, layer_of_a_model,
    parameters_of_the_optimizer,
]  # fmt: skip
OPTIMIZERS = {
    "sgd": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9),
    "adam": lambda ps: nn.Adam(ps, lr=0.05),
    "rmsprop": lambda ps: nn.RMSprop(ps, lr=0.05),
}


def trained(case, make_optimizer, **settings):
    model, given = case()
    optimizer = make_optimizer(model.parameters())
    watched, callbacks = given.pop("watched", []), given.pop("callbacks")
    if "freeze" in given:
        callbacks = given.pop("freeze")(optimizer)
    given = {"loss": nn.squared_error, "seed": 1, "progress": False, **given, **settings}
    history = nn.fit(model, X, Y, optimizer=optimizer, epochs=6, **{"callbacks": callbacks, **given})
    return history, model, watched


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize(
    ("case", "optimizer"),
    [
        *((case, "sgd") for case in CHANGES),
        *itertools.product([penalty_of_a_closure, switch_of_a_model, parameter_of_a_model], ["adam", "rmsprop"]),
    ],
)
def test_what_a_callback_changes_counts_from_the_next_epoch_on(case, optimizer, batch_size):
    make = OPTIMIZERS[optimizer]
    expected, eager, theirs = trained(case, make, engine="eager", batch_size=batch_size)
    found, compiled, mine = trained(case, make, batch_size=batch_size)
    assert (expected.engine, found.engine) == ("eager", "compiled")
    assert found.loss == pytest.approx(expected.loss, rel=1e-9)
    assert found.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-8)
    assert compiled.state_dict() == pytest.approx(eager.state_dict(), rel=1e-9, abs=1e-12)
    grads = [[v.grad for v in [*model.parameters(), *new]] for model, new in ((compiled, mine), (eager, theirs))]
    assert grads[0] == pytest.approx(grads[1], rel=1e-8, abs=1e-12)
    still, _, _ = trained(case, make, batch_size=batch_size, callbacks=None)
    assert still.loss[-1] != pytest.approx(found.loss[-1], rel=1e-6), "the case changes nothing"


def test_a_callback_that_makes_a_trace_impossible_goes_on_eagerly_and_says_so_once():
    class Noisy(nn.Module):
        def __init__(self):
            self.line, self.noise = nn.Neuron(2, None, seed=0), 0.0

        def __call__(self, x):
            return self.line(x) + (random.random() if self.noise else 0.0)

    def run(engine):
        model = Noisy()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        random.seed(0)
        history = nn.fit(
            model, X, Y, nn.squared_error, optimizer, 6, progress=False, engine=engine,
            callbacks=lambda h: setattr(model, "noise", len(h.loss) >= 3),
        )  # fmt: skip
        return history, model

    with pytest.warns(RuntimeWarning, match=r"fit stays eager: Two traces .*test_changes.py:\d+ \(.*random") as caught:
        history, _ = run("auto")
    assert len(caught) == 1 and history.engine == "eager" and len(history.loss) == 6
    expected, _ = run("eager")
    assert history.loss[:3] == pytest.approx(expected.loss[:3], rel=1e-12)
    with pytest.raises(TypeError, match="Two traces"):
        run("compiled")


def test_callbacks_that_change_nothing_cost_no_new_trace(capsys):
    class Loud(nn.Module):
        def __init__(self):
            self.line = nn.Neuron(2, None, seed=0)

        def __call__(self, x):
            print("called")
            return self.line(x)

    calls = []
    for epochs in (1, 50):
        model, seen = Loud(), []
        nn.fit(
            model, X, Y, nn.squared_error, nn.SGD(model.parameters()), epochs, progress=False, engine="compiled",
            callbacks=[lambda history, seen=seen: seen.append(history.loss[-1])],
        )  # fmt: skip
        assert len(seen) == epochs
        calls.append(capsys.readouterr().out.count("called"))
    assert calls[0] == calls[1] < 50


# ------------------------------------------------------------------------------------- what changes without callbacks


class Tagged(nn.Module):
    def __init__(self, call):
        self.w, self.calls, self.call, self.last = Value(1.0), 0, call, None

    def __call__(self, x):
        return self.call(self, x)


def counts(model, x):
    model.calls += 1
    return model.w * x[0]


def keeps(model, x):
    model.last = model.w * x[0]
    return model.last


def uses_its_count(model, x):
    model.calls += 1
    return model.w * x[0] * model.calls


def draws(model, x):
    return model.w * x[0] + random.random()


def asks_for_a_number(model, x):
    return model.w * x[0] if model.w > 0 else model.w


def formats(model, x):
    return model.w * x[0] * len(f"{x[0]:.0f}")


def looks_at_the_type(model, x):
    return model.w * x[0] if type(x[0]) is float else model.w


@pytest.mark.parametrize(
    ("call", "reason", "line"),
    [
        (counts, "A call of the model or its loss changes something", r"return self.call"),
        (keeps, "A call of the model or its loss changes something", ""),
        (uses_its_count, "Two traces of the model and its loss differ", r"model.w \* x\[0\] \* model.calls"),
        (draws, "Two traces of the model and its loss differ", r"random.random"),
        (asks_for_a_number, "A function that is traced asked for a number", r"if model.w > 0"),
        (formats, "unsupported format string", r"len\(f"),
        (looks_at_the_type, "The traced loss and the eager one differ", ""),
    ],
)
@pytest.mark.parametrize("epochs", [1, 3])
def test_auto_stays_eager_and_says_why_once_with_the_line(call, reason, line, epochs):
    def run(engine):
        model = Tagged(call)
        random.seed(0)
        return model, nn.fit(
            model, X[:, :1], Y, nn.squared_error, nn.SGD(model.parameters()), epochs, progress=False, engine=engine
        )

    with pytest.warns(RuntimeWarning, match=rf"(?s)fit stays eager: {reason}.*test_changes.py:\d+ \(") as caught:
        _, history = run("auto")
    assert [warning.filename for warning in caught] == [__file__] and history.engine == "eager"
    if line and call is not counts:
        assert re.search(line, str(caught[0].message))
    with pytest.raises(TypeError):
        run("compiled")
    assert len(history.loss) == epochs


def test_an_error_of_the_loss_is_raised_without_a_warning_before():
    def refuses(prediction, target):
        raise LookupError("no such target")

    model = Scaled()
    with pytest.raises(LookupError, match="no such target"):  # pytest makes errors of warnings
        nn.fit(model, X, Y, refuses, nn.SGD(model.parameters()), 3, progress=False)


def test_a_loss_that_takes_methods_of_its_prediction_is_compiled():
    model = nn.Neuron(2, None, seed=0)
    history = nn.fit(model, X, Y, lambda y, d: (y - d).tanh() ** 2, nn.SGD(model.parameters()), 3, progress=False)
    assert history.engine == "compiled"


# ------------------------------------------------------------------------------------------------- grads of others


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_captured_values_keep_their_grads_and_those_of_the_optimizer_are_zeroed(make_optimizer, batch_size):
    def run(engine):
        model, temperature, offset, weight = nn.Neuron(2, None, seed=0), Value(0.5), Value(0.1), Value(1e-3)
        temperature.grad, offset.grad, weight.grad = 5.0, 7.0, 9.0
        optimizer = make_optimizer([*model.parameters(), offset])
        history = nn.fit(
            model, X, Y, lambda y, d: nn.squared_error(y * temperature + offset, d), optimizer, 4, progress=False,
            penalty=lambda ps: weight * nn.l2_penalty(ps), engine=engine, batch_size=batch_size, seed=0,
        )  # fmt: skip
        assert history.engine == {"auto": "compiled"}.get(engine, engine)
        assert (temperature.grad, weight.grad) == (5.0, 9.0)
        assert (temperature.data, weight.data) == (0.5, 1e-3)
        return [*history.loss, *history.gradient_norm, offset.data, offset.grad, *model.state_dict().values()]

    results = [run(engine) for engine in ("eager", "auto")]
    assert results[1] == pytest.approx(results[0], rel=1e-8)
    assert results[0][8] != 0.1


def test_a_value_of_the_optimizer_gets_the_gradient_of_each_batch_alone():
    model, offset = nn.Neuron(1, None, seed=0), Value(0.0)
    optimizer = nn.SGD([*model.parameters(), offset], lr=0.0)
    loss = lambda y, d: nn.squared_error(y + offset, d)  # noqa: E731
    for engine in ("eager", "compiled"):
        nn.fit(model, X[:, :1], Y, loss, optimizer, 5, progress=False, engine=engine)
        assert offset.grad == pytest.approx(model.bias.grad, rel=1e-12)
