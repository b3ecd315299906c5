"""The two engines of fit: the same steps, the same end, and which one is taken."""

from __future__ import annotations

import itertools
import math
import random
import signal

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd._native import extension
from autograd.tracing import TracingError

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(37, 3))
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SIGNS = np.where(X[:, 0] * X[:, 1] > 0, 1, -1)
SMOOTH = np.sin(X.sum(axis=1))


def l2(parameters):
    return 0.01 * nn.l2_penalty(parameters)


def fitted(engine, optimizer, model, y, loss, **settings):
    settings = {"epochs": 12, "seed": 3, "progress": False, **settings}
    history = nn.fit(model, X, y, loss, optimizer(model.parameters()), engine=engine, **settings)
    return model, history


OPTIMIZERS = {
    "sgd": lambda ps: nn.SGD(ps, lr=0.05),
    "momentum": lambda ps: nn.SGD(ps, lr=0.02, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "nesterov": lambda ps: nn.SGD(ps, lr=0.02, momentum=0.8, nesterov=True),
    "adam": lambda ps: nn.Adam(ps, lr=0.01, weight_decay=0.1),
    "amsgrad": lambda ps: nn.Adam(ps, lr=0.01, betas=(0.5, 0.9), amsgrad=True),
    "adamw": lambda ps: nn.AdamW(ps, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda ps: nn.RMSprop(ps, lr=0.01, momentum=0.5),  # steps in Python
    "adagrad": lambda ps: nn.Adagrad(ps, lr=0.05),
}
LOSSES = {
    "squared_error": (lambda: nn.MLP(3, [5, 4, 1], seed=1), SMOOTH, nn.squared_error),
    "several outputs": (lambda: nn.MLP(3, [4, 3], "softplus", seed=1), X, nn.mean_squared_error),
    "absolute": (lambda: nn.MLP(3, [4, 1], "relu", seed=1), SMOOTH, nn.mean_absolute_error),
    "huber": (lambda: nn.MLP(3, [4, 1], "leaky_relu", seed=1), SMOOTH, nn.huber),
    "hinge": (lambda: nn.MLP(3, [8, 8, 1], "relu", seed=1), SIGNS, nn.hinge),
    "logits": (lambda: nn.MLP(3, [4, 1], "sigmoid", seed=1), (SIGNS + 1) // 2, nn.binary_cross_entropy_with_logits),
    "probability": (
        lambda: nn.MLP(3, [4, 1], "sigmoid", "sigmoid", seed=1), (SIGNS + 1) // 2, nn.binary_cross_entropy
    ),
    "classes": (lambda: nn.MLP(3, [6, 3], seed=1), CLASSES, nn.cross_entropy),
    "one-hot": (lambda: nn.MLP(3, [6, 3], seed=1), np.eye(3)[CLASSES], nn.cross_entropy),
    "linear": (lambda: nn.Neuron(3, None, seed=1), SMOOTH, nn.squared_error),
    "custom": (lambda: nn.MLP(3, [4, 1], lambda z: z.sin() + z.erf(), seed=1), SMOOTH, lambda y, d: (y - d) ** 4),
}  # fmt: skip
CASES = [
    *(("squared_error", name, settings) for name, settings in itertools.product(OPTIMIZERS, [{}, {"batch_size": 8}])),
    *((name, "adam", {"batch_size": 10, "penalty": l2}) for name in LOSSES),
    *((name, "sgd", {"reduction": "sum", "shuffle": False, "batch_size": 5}) for name in ("hinge", "classes")),
    ("squared_error", "sgd", {"threads": 2, "epochs": 3}),
    ("squared_error", "adam", {"validation": (X[:5], SMOOTH[:5])}),
    ("squared_error", "adam", {"snapshot_every": 3}),
]


@pytest.mark.parametrize(
    ("problem", "optimizer", "settings"), CASES, ids=lambda x: x if isinstance(x, str) else " ".join(x)
)
def test_compiled_epochs_take_the_same_steps(problem, optimizer, settings):
    make, y, loss = LOSSES[problem]
    (eager, expected), (compiled, found) = (
        fitted(engine, OPTIMIZERS[optimizer], make(), y, loss, **settings) for engine in ("eager", "compiled")
    )
    assert (expected.engine, found.engine) == ("eager", "compiled")
    for numbers in ("loss", "validation_loss", "gradient_norm"):
        assert getattr(found, numbers) == pytest.approx(getattr(expected, numbers), rel=1e-9, abs=1e-12)
    assert compiled.state_dict() == pytest.approx(eager.state_dict(), rel=1e-9, abs=1e-11)
    grads = [[parameter.grad for parameter in model.parameters()] for model in (compiled, eager)]
    assert grads[0] == pytest.approx(grads[1], rel=1e-8, abs=1e-11)
    assert len(found.snapshots) == len(expected.snapshots)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_an_optimizer_goes_on_where_it_stood(optimizer):
    make, y, loss = LOSSES["squared_error"]
    states = []
    for engines in (("eager", "eager"), ("compiled", "eager"), ("eager", "compiled"), ("compiled", "compiled")):
        model = make()
        moves = OPTIMIZERS[optimizer](model.parameters())
        for engine in engines:
            nn.fit(model, X, y, loss, moves, epochs=3, progress=False, engine=engine)
        assert moves.steps == 6
        states.append(model.state_dict())
    for state in states[1:]:
        assert state == pytest.approx(states[0], rel=1e-10)


def test_a_schedule_moves_the_learning_rate_between_epochs():
    make, y, loss = LOSSES["squared_error"]
    losses = []
    for engine in ("eager", "compiled"):
        model = make()
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        schedule = nn.StepLR(optimizer, step_size=2, gamma=0.1)
        history = nn.fit(model, X, y, loss, optimizer, 8, progress=False, engine=engine, callbacks=[schedule])
        losses.append(history.loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-10)


def test_both_converge_in_the_same_epoch():
    make, y, loss = LOSSES["linear"]
    settings = {"epochs": 5000, "tolerance": 1e-6, "patience": 4}
    ends = [fitted(engine, OPTIMIZERS["sgd"], make(), y, loss, **settings)[1] for engine in ("eager", "compiled")]
    assert all(end.converged for end in ends)
    assert len(ends[0].loss) == len(ends[1].loss) < 5000


def test_auto_compiles_where_it_can():
    _, history = fitted("auto", OPTIMIZERS["adam"], *called(LOSSES["classes"]))
    assert history.engine == "compiled"


def called(problem):
    make, *rest = problem
    return (make(), *rest)


class Noisy(nn.Module):
    def __init__(self):
        self.w = Value(1.0)

    def __call__(self, x):
        return self.w * x[0] + random.random()


class Frozen(nn.Module):
    """Uses a parameter's number, which a trace would keep for good."""

    def __init__(self):
        self.w = Value(1.0)

    def __call__(self, x):
        return self.w * x[0] * self.w.data


class Branching(nn.Module):
    def __init__(self):
        self.w = Value(1.0)

    def __call__(self, x):
        return self.w * x[0] if x[0] > 0 else -self.w


def test_auto_says_so_and_stays_eager_where_traces_differ():
    with pytest.warns(RuntimeWarning, match=r"fit stays eager: Two traces of the model and its loss differ"):
        _, history = fitted("auto", OPTIMIZERS["sgd"], Noisy(), SMOOTH, nn.squared_error)
    assert history.engine == "eager"
    with pytest.raises(TracingError, match="differ"):
        fitted("compiled", OPTIMIZERS["sgd"], Noisy(), SMOOTH, nn.squared_error)


@pytest.mark.parametrize(("kind", "line"), [(Branching, r"return self.w \* x\[0\] if x"), (Frozen, r"self.w.data")])
def test_auto_says_so_and_stays_eager_where_nothing_can_be_traced(kind, line):
    with pytest.warns(RuntimeWarning, match=rf"(?s)fit stays eager: .*test_epochs.py:\d+ \(.*{line}") as caught:
        _, history = fitted("auto", OPTIMIZERS["sgd"], kind(), SMOOTH, nn.squared_error)
    assert history.engine == "eager" and len(caught) == 1 and caught[0].filename == __file__
    with pytest.raises(TracingError, match=r"autograd.where"):
        fitted("compiled", OPTIMIZERS["sgd"], kind(), SMOOTH, nn.squared_error)


def test_a_wrong_target_is_refused_wherever_it_stands():
    targets = SIGNS.copy()
    targets[-1] = 3
    for engine in ("eager", "auto", "compiled"):
        with pytest.raises(ValueError, match="hinge takes targets -1 and"):
            fitted(engine, OPTIMIZERS["sgd"], nn.MLP(3, [1], seed=0), targets, nn.hinge)


# ------------------------------------------------------------------------------------- Ctrl-C, each in a process alone


def press_in_a_callback(engine):
    make, y, loss = LOSSES["squared_error"]

    def press(history):
        if len(history.loss) == 4:
            signal.raise_signal(signal.SIGINT)

    model, history = fitted(engine, OPTIMIZERS["adam"], make(), y, loss, epochs=50, callbacks=[press])
    assert history.interrupted and len(history.loss) == 4
    expected, _ = fitted(engine, OPTIMIZERS["adam"], make(), y, loss, epochs=4)
    assert model.state_dict() == expected.state_dict()


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_ctrl_c_leaves_the_model_of_the_last_whole_step(alone, engine):
    alone(press_in_a_callback, engine)


MAKE = {"sgd": lambda ps: nn.SGD(ps, lr=1e-4, momentum=0.9), "adam": lambda ps: nn.Adam(ps, lr=1e-4)}


def press_during_a_run(optimizer, after):
    """Parameters, optimiser and history are those after one and the same step: a training goes on from there."""
    make, y, _ = LOSSES["linear"]

    def pressing(prediction, target):  # so many seconds after the last look at the loss before the epochs begin
        signal.setitimer(signal.ITIMER_REAL, after)
        return nn.squared_error(prediction, target)

    def run(epochs, loss=nn.squared_error):
        model = make()
        moves = MAKE[optimizer](model.parameters())
        return nn.fit(model, X, y, loss, moves, epochs=epochs, progress=False, engine="compiled"), model, moves

    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    history, model, moves = run(100_000_000, pressing)
    count = len(history.loss)
    assert history.interrupted and count < 100_000_000
    assert moves.steps >= count
    if extension("tapes") is None:  # an epoch in Python can be left at any point
        return
    expected, again, whole = run(count)
    assert (history.loss, model.state_dict()) == (expected.loss, again.state_dict())
    assert (moves.steps, moves.states) == (whole.steps, whole.states) and whole.steps == count


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no interval timer")
@pytest.mark.parametrize("after", [0.03, 0.3])  # in the first slice of time and in a later one
@pytest.mark.parametrize("optimizer", MAKE)
def test_ctrl_c_during_a_long_run_leaves_everything_after_the_same_step(alone, optimizer, after):
    alone(press_during_a_run, optimizer, after)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_divergence_is_the_same(engine):
    with pytest.warns(RuntimeWarning, match="Training diverged in epoch"):
        model, history = fitted(engine, lambda ps: nn.SGD(ps, lr=1e3), *called(LOSSES["linear"]), epochs=500)
    assert history.diverged and np.isfinite(history.loss).all()
    assert np.isfinite(list(model.state_dict().values())).all()


class Line(nn.Module):
    def __init__(self):
        self.w = Value(1.0)

    def __call__(self, x):
        return self.w * x[0]


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize(
    ("judge", "how", "message"),
    [
        (interrupt, "interrupted", None),
        (lambda: autograd.exp(1000.0), "diverged", "exp overflows"),
        (lambda: math.inf, "diverged", "the validation loss is inf"),
        (lambda: math.nan, "diverged", "the validation loss is nan"),
    ],
    ids=["Ctrl-C", "overflow", "inf", "nan"],
)
def test_an_epoch_is_in_the_history_with_its_validation_or_not_at_all(judge, how, message, engine):
    model, failing = Line(), []

    rows = {"validation": ([[0.5]], [99.0]), "callbacks": lambda h: failing.append(1) if len(h.loss) == 2 else None}

    def loss_with_judge(prediction, target):
        return judge() if failing and type(target) is float and target == 99.0 else nn.squared_error(prediction, target)

    def run():
        return nn.fit(
            model, [[1.0], [2.0]], [1.0, 2.0], loss_with_judge, nn.SGD([model.w], lr=0.01), 9, progress=False,
            engine=engine, **rows,
        )  # fmt: skip

    if message is None:
        history = run()
    else:
        with pytest.warns(RuntimeWarning, match=f"diverged in epoch 3: {message}"):
            history = run()
    assert getattr(history, how) and history.engine == engine
    assert len(history.loss) == len(history.validation_loss) == len(history.epochs) == 2
    assert len(history.gradient_norm) == len(history.seconds) == 2
    assert np.isfinite(history.loss + history.validation_loss).all()


@pytest.mark.parametrize("engine", ["eager", "auto", "compiled"])
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (lambda y, t: autograd.where(t < 0, 0.5, lambda: nn.squared_error(y, t)), [1.0, -1.0, 2.0, -3.0]),
        (lambda y, t: autograd.where(t < 0, 1, lambda: nn.squared_error(y, t)), [-1.0, -1.0, 2.0, 1.0]),
        (lambda y, t: nn.cross_entropy([y, 2.0 * y], t), [[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.5, 0.5]]),
    ],
    ids=["where", "where first", "all-zero labels"],
)
@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_row_whose_loss_is_a_plain_number_adds_the_number_and_no_gradient(loss, targets, engine, batch_size):
    rows, reference, model = [[1.0], [2.0], [3.0], [4.0]], Line(), Line()
    risk = nn.empirical_risk(reference, rows, targets, loss)
    risk.backward()
    history = nn.fit(
        model, rows, targets, loss, nn.SGD([model.w], lr=0.0), 1, batch_size, progress=False, engine=engine
    )
    assert history.loss == pytest.approx([risk.data], rel=1e-12)
    assert history.engine == ("eager" if engine == "eager" else "compiled")
    if batch_size is None:
        assert model.w.grad == pytest.approx(reference.w.grad, rel=1e-12)
    nn.minimize(lambda: nn.empirical_risk(reference, rows, targets, loss), [reference.w])
    assert nn.empirical_risk(reference, rows, targets, loss).data <= risk.data
    assert nn.empirical_risk(reference, rows[:1], [targets[0]], loss) is not None


def test_an_objective_that_is_a_plain_number_is_at_its_minimum():
    w = Value(3.0)
    assert nn.minimize(lambda: np.float32(2.0), [w]).fun == 2.0 and w.data == 3.0


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize(
    "settings",
    [{"batch_size": 2**63}, {"batch_size": 38}, {"patience": 2**63, "tolerance": 0.0}, {"threads": 2**63},
     {"snapshot_every": 2**70}, {"batch_size": np.uint64(2**63)}],
    ids=lambda settings: next(iter(settings)),
)  # fmt: skip
def test_a_setting_beyond_all_rows_and_epochs_is_as_good_as_all_of_them(settings, engine):
    make, y, loss = LOSSES["linear"]
    _, history = fitted(engine, OPTIMIZERS["sgd"], make(), y, loss, **settings)
    assert not history.diverged and history.loss == fitted(engine, OPTIMIZERS["sgd"], make(), y, loss)[1].loss


def test_a_number_of_epochs_beyond_all_bounds_ends_with_convergence():
    make, y, loss = LOSSES["linear"]
    for engine in ("eager", "compiled"):
        _, history = fitted(engine, OPTIMIZERS["sgd"], make(), y, loss, epochs=2**70, tolerance=1e-3, patience=2**3)
        assert history.converged


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_right_logit_of_infinity_costs_nothing(engine):
    class Infinite(nn.Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return autograd.where(x[0] > 1, math.inf, autograd.where(x[0] < -1, -math.inf, self.w * x[0]))

    rows, targets = [[2.0], [-2.0], [0.5], [-0.5]], [1.0, 0.0, 1.0, 0.25]
    model, finite = Infinite(), Infinite()
    loss = nn.binary_cross_entropy_with_logits
    settings = {"epochs": 3, "progress": False, "engine": engine, "reduction": "sum"}
    history = nn.fit(model, rows, targets, loss, nn.SGD([model.w], lr=0.1), **settings)
    expected = nn.fit(finite, rows[2:], targets[2:], loss, nn.SGD([finite.w], lr=0.1), **settings)
    assert history.engine == engine and not history.diverged
    assert history.loss == pytest.approx(expected.loss, rel=1e-12)
    assert model.w.data == pytest.approx(finite.w.data, rel=1e-12)


def test_what_the_loss_raises_is_raised():
    class Log(nn.Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return autograd.log(self.w * x[0])

    for engine in ("eager", "auto", "compiled"):
        model = Log()
        optimizer = nn.SGD(model.parameters(), lr=1.0)
        with pytest.raises(ValueError, match="log is not defined at"):
            nn.fit(model, [[1.0]], [-5.0], nn.squared_error, optimizer, 50, progress=False, engine=engine)
