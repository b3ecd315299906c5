"""The estimators beside scikit-learn: its own checks, its pipelines, and its linear models, whose optimum is known."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import partial
from math import inf

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import autograd
import nn
from nn.estimators import MLPClassifier, MLPRegressor

FLOWERS, SPECIES = load_iris(return_X_y=True)
X, SPECIES = (
    StandardScaler().fit_transform(FLOWERS)[::3],
    SPECIES[::3],
)  # 50 of the 150
WIDTH = X[:, 3]


# The defaults pass as well, in three times the time: fewer iterations are enough for the accuracies that are asked for.
# There are no expected failures. This is parametrize_with_checks; that of scikit-learn 1.6 hands an iterator to pytest,
# which pytest 9 warns of.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        case
        for estimator in (MLPClassifier(max_iter=8), MLPRegressor(max_iter=8))
        for case in estimator_checks_generator(estimator)
    ],
    ids=lambda part: part.func.__name__ if isinstance(part, partial) else type(part).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "sgd"])
def test_settings_of_numpys_types_are_those_of_pythons(solver):
    def trained(real, whole):
        return MLPRegressor(
            np.array([whole(3)]) if whole is np.uint8 else [3], solver=solver, alpha=real(0.1), tol=real(1e-3),
            learning_rate_init=real(0.03), max_iter=whole(30), batch_size=whole(7), n_iter_no_change=whole(4),
            random_state=whole(5),
        ).fit(X, WIDTH)  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = trained(lambda x: float(np.float32(x)), int)
        found = trained(np.float32, np.uint8)
    assert found.model_.state_dict() == expected.model_.state_dict()
    assert found.loss_curve_ == expected.loss_curve_ and {type(loss) for loss in found.loss_curve_} == {float}


def gradient_of(risk, model):
    model.zero_grad()
    risk.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


# ------------------------------------------------------------------------------------------------- what is minimised


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize(
    ("estimator", "targets", "loss"),
    [
        (MLPClassifier, SPECIES, nn.cross_entropy),
        (MLPClassifier, (SPECIES > 0).astype(int), nn.binary_cross_entropy_with_logits),
        (MLPRegressor, WIDTH, nn.squared_error),
        (MLPRegressor, X[:, 2:], nn.squared_error),
    ],
    ids=["classes", "two classes", "numbers", "two outputs"],
)
def test_the_first_step_goes_down_the_gradient_of_the_documented_risk(estimator, targets, loss, solver):
    alpha, rows = 0.3, X[:, :2]
    settings = {"hidden_layer_sizes": (3,), "alpha": alpha, "random_state": 0, "batch_size": len(X), "solver": solver}
    with pytest.warns(ConvergenceWarning, match="after iteration 1 "):
        fitted = estimator(max_iter=1, **settings).fit(rows, targets)
    with pytest.warns(ConvergenceWarning):
        start = estimator(max_iter=1, **settings | {"solver": "sgd", "learning_rate_init": 1e-300}).fit(rows, targets)

    def risk(model):
        weights = [parameter for name, parameter in model.named_parameters() if "weights" in name]
        return nn.empirical_risk(model, rows, targets, loss, lambda _: alpha / 2 * autograd.sum(w * w for w in weights))

    before = start.model_.state_dict()
    moved = np.array([number - before[name] for name, number in fitted.model_.state_dict().items()])
    gradient = np.array(list(gradient_of(risk(start.model_), start.model_).values()))
    if solver == "adam":  # its first step is lr g / (|g| + 1e-8); its loss is that before the step
        assert moved == pytest.approx(-0.01 * gradient / (abs(gradient) + 1e-8), rel=1e-6, abs=1e-12)
        assert fitted.loss_curve_ == pytest.approx([risk(start.model_).data], rel=1e-12)
    else:  # steepest descent, as long as its line search likes
        assert moved / np.linalg.norm(moved) == pytest.approx(-gradient / np.linalg.norm(gradient), abs=1e-9)
        assert fitted.loss_curve_ == pytest.approx([risk(fitted.model_).data], rel=1e-12)


def test_without_hidden_layers_it_is_ridge_regression():
    targets = np.column_stack([WIDTH + 3, X[:, 1] * 2 - WIDTH])
    for d in (targets, targets[:, 0]):
        ridge = Ridge(alpha=0.1 * len(X)).fit(X[:, :3], d)
        ours = MLPRegressor((), alpha=0.1, tol=0, random_state=0).fit(X[:, :3], d)
        assert ours.predict(X[:, :3]) == pytest.approx(ridge.predict(X[:, :3]), abs=1e-6)
        assert ours.predict(X[:, :3]).shape == d.shape


@pytest.mark.parametrize("targets", [SPECIES, SPECIES == 2], ids=["three classes", "two classes"])
def test_without_hidden_layers_it_is_logistic_regression(targets):
    linear = LogisticRegression(C=1 / (0.1 * len(X)), solver="newton-cholesky", tol=1e-8).fit(X, targets)
    ours = MLPClassifier((), alpha=0.1, tol=0, random_state=0).fit(X, targets)
    assert ours.predict_proba(X) == pytest.approx(linear.predict_proba(X), abs=1e-5)
    assert (ours.predict(X) == linear.predict(X)).all()


def test_a_larger_alpha_makes_smaller_weights():
    def norm(alpha):
        model = MLPClassifier(alpha=alpha, random_state=0).fit(X, SPECIES).model_
        return sum(w**2 for name, w in model.state_dict().items() if "weights" in name)

    norms = [norm(alpha) for alpha in (0.0, 1e-2, 1.0)]
    assert norms[0] > 2 * norms[1] > 4 * norms[2]


# ------------------------------------------------------------------------------------------ what scikit-learn users do


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
def test_cross_validation_of_a_pipeline_on_iris(solver):
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(solver=solver, random_state=0, learning_rate_init=0.03, batch_size=10)
    )
    assert cross_val_score(pipeline, FLOWERS[::3], SPECIES, cv=3).mean() > 0.9


def test_a_grid_search_finds_that_a_hidden_layer_helps():
    corners = np.tile([[1, 1], [1, -1], [-1, -1], [-1, 1]], (9, 1))
    labels = np.where(corners.prod(axis=1) > 0, "same", "different")
    grid = {"hidden_layer_sizes": [(), (4,)], "max_iter": np.array([100])}
    noise = np.random.default_rng(0).normal(0, 0.1, corners.shape)
    search = GridSearchCV(MLPClassifier(random_state=0), grid, cv=3).fit(corners + noise, labels)
    assert search.best_params_["hidden_layer_sizes"] == (4,)
    assert search.best_score_ == 1.0


def test_settings_are_read_set_and_cloned():
    estimator = MLPClassifier((5, 3), "relu", alpha=0.5, random_state=3)
    assert estimator.get_params() == {
        "hidden_layer_sizes": (5, 3), "activation": "relu", "solver": "lbfgs", "alpha": 0.5, "batch_size": 32,
        "learning_rate_init": 0.01, "max_iter": 200, "tol": 1e-3, "n_iter_no_change": 5, "random_state": 3,
        "verbose": False,
    }  # fmt: skip
    assert clone(estimator).get_params() == estimator.get_params()
    assert MLPRegressor().set_params(max_iter=7).max_iter == 7
    assert MLPRegressor().get_params() == MLPClassifier().get_params()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_the_softmax_of_the_logits_and_labels_may_be_strings(n_classes):
    names = np.array(["setosa", "versicolor", "virginica"])
    known = n_classes > SPECIES
    classifier = MLPClassifier(random_state=0).fit(X[known], names[SPECIES[known]])
    assert list(classifier.classes_) == list(names[:n_classes])
    logits = nn.predict(classifier.model_, X)
    probabilities = classifier.predict_proba(X)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(X)), abs=1e-15)
    if n_classes == 2:
        assert probabilities[:, 1] == pytest.approx([autograd.sigmoid(z) for z in logits], rel=1e-14)
    else:
        assert probabilities.tolist() == [autograd.softmax(z) for z in logits]
    assert classifier.decision_function(X).tolist() == logits
    assert (classifier.predict(X) == names[probabilities.argmax(axis=1)]).all()
    assert classifier.score(X[known], names[SPECIES[known]]) > 0.95


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_same_random_state_gives_the_same_bits(solver):
    def fitted(random_state):
        estimator = MLPRegressor(solver=solver, random_state=random_state, max_iter=np.int64(5), batch_size=8)
        return estimator.fit(X[:, :3], WIDTH)

    first, again, third, other = map(fitted, (7, 7, np.random.RandomState(7), 8))
    assert first.model_.state_dict() == again.model_.state_dict() == third.model_.state_dict()
    assert first.loss_curve_ == again.loss_curve_ and first.n_iter_ == len(first.loss_curve_) == 5
    assert first.model_.state_dict() != other.model_.state_dict()


def test_several_outputs_are_learned_together():
    regressor = MLPRegressor((6,), random_state=0).fit(X[:, :2], np.column_stack([WIDTH, -2 * X[:, 2]]))
    assert regressor.predict(X[:5, :2]).shape == (5, 2)
    assert regressor.score(X[:, :2], np.column_stack([WIDTH, -2 * X[:, 2]])) > 0.7


@pytest.mark.parametrize(
    ("sizes", "shape"), [((), "4 -> 3"), (2, "4 -> 2 sigmoid -> 3"), ([3, 2], "4 -> 3 sigmoid -> 2 sigmoid -> 3")]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_sizes_and_the_activation_are_those_of_the_model(sizes, shape):
    assert repr(MLPClassifier(sizes, "logistic", max_iter=1).fit(X, SPECIES).model_) == f"MLP({shape})"


# ---------------------------------------------------------------------------------------------------- how it ends


def test_it_stops_when_the_loss_no_longer_falls(capsys):
    for settings in ({}, {"solver": "adam", "learning_rate_init": 0.3, "batch_size": 5}):
        regressor = MLPRegressor(random_state=1, tol=1e-2, n_iter_no_change=3, verbose=True, **settings)
        losses = regressor.fit(X[:, :3], WIDTH).loss_curve_
        assert 3 < len(losses) == regressor.n_iter_ < 200
        waits = [min(losses[:i]) - losses[i] <= 1e-2 for i in range(1, len(losses))]
        assert all(waits[-3:]) and not any(all(waits[i : i + 3]) for i in range(len(waits) - 3))
        printed = capsys.readouterr().out.splitlines()
        assert printed[0] == f"Iteration 1, loss = {losses[0]:.8f}" and len(printed) == len(losses)


def test_the_tolerance_grows_with_the_loss():
    assert MLPRegressor((2,), random_state=0).fit(X[:, :3], 1e4 * WIDTH).n_iter_ < 100


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_it_warns_when_max_iter_was_not_enough(solver):
    with pytest.warns(
        ConvergenceWarning, match="(?s)MLPClassifier stopped after iteration 2 .* raise max_iter"
    ) as caught:
        MLPClassifier(max_iter=2, solver=solver).fit(X, SPECIES)
    assert caught[0].filename == __file__


def test_a_loss_that_rises_has_not_converged():
    with pytest.warns(ConvergenceWarning, match="the loss rose; take a smaller learning_rate_init"):
        MLPRegressor(solver="sgd", learning_rate_init=1e6, random_state=0).fit(X[:, :3], WIDTH)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.filterwarnings("ignore:fit stays eager")
def test_ctrl_c_keeps_the_model_so_far(solver):
    calls_left = len(X) * 5  # enough for at least three iterations of either, with one neuron

    def interrupted(z):
        nonlocal calls_left
        calls_left -= z.data * 0 + 1  # a placeholder has no number: it is not compiled, and each row is a call
        if calls_left == 0:
            raise KeyboardInterrupt
        return autograd.tanh(z)

    settings = {"solver": solver, "random_state": 0, "batch_size": len(X)}
    with pytest.warns(ConvergenceWarning, match="(?s)interrupted.*model_ is as the last step left it"):
        stopped = MLPRegressor(1, interrupted, **settings).fit(X[:, :3], WIDTH)
    assert 1 < stopped.n_iter_ <= 5
    calls_left = inf
    with pytest.warns(ConvergenceWarning):
        expected = MLPRegressor(1, interrupted, max_iter=stopped.n_iter_, **settings).fit(X[:, :3], WIDTH)
    assert stopped.model_.state_dict() == expected.model_.state_dict()
    assert (stopped.predict(X[:, :3]) == expected.predict(X[:, :3])).all()


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "newton"}, "Unknown solver 'newton'.\n  Known are lbfgs, sgd, adam"),
        ({"activation": "cube"}, "Unknown activation 'cube'"),
        ({"hidden_layer_sizes": (3, 0)}, "at least 1 of each; got 0"),
        ({"hidden_layer_sizes": 2.5}, "whole number"),
        ({"alpha": -1.0}, "alpha must be a finite number of at least 0, got -1.0"),
        ({"tol": float("nan")}, "tol must be a finite number"),
        ({"max_iter": 0}, "max_iter must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"n_iter_no_change": None}, "n_iter_no_change must be a whole number of at least 1, got None"),
        ({"solver": "adam", "learning_rate_init": -1.0}, "lr"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    regressor = MLPRegressor(**settings)
    with pytest.raises(ValueError, match=message):
        regressor.fit(X, WIDTH)
    with pytest.raises(NotFittedError):
        regressor.predict(X)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes in y, got one class: 'a'"):
        MLPClassifier().fit(X, ["a"] * len(X))


def test_without_scikit_learn_the_error_says_what_to_install():
    program = "import sys; sys.modules['sklearn'] = None; import nn.estimators"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 1
    assert "ImportError: MLPClassifier and MLPRegressor need scikit-learn 1.6 or later" in run.stderr
    assert "Run: pip install scikit-learn" in run.stderr
