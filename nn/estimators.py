"""Multilayer perceptrons as scikit-learn estimators, for its pipelines, searches and cross-validation.

Both minimise, over the weights W and biases of an `nn.MLP` and the T rows,

    risk = (1/T) sum_t loss(model(x_t), y_t) + (alpha / 2) sum of the squares of all weights W

The biases are not penalised. scikit-learn's own perceptrons divide the penalty by T: their alpha is T times this one.
The inputs are not standardised inside, so that `model_` takes the very numbers that `fit` was given; as with
scikit-learn's own, write make_pipeline(StandardScaler(), MLPClassifier()).

Importing this module without scikit-learn 1.6 or later raises ImportError.
"""

from __future__ import annotations

import warnings
from math import inf
from numbers import Integral, Real
from random import Random
from typing import Any

import numpy as np

from autograd import softmax
from autograd.dispatch import as_float, as_int, plain
from autograd.formatting import shown
from nn.losses import Loss, binary_cross_entropy_with_logits, cross_entropy, l2_penalty, squared_error
from nn.modules import MLP, Activation
from nn.optimizers import SGD, Adam, minimize
from nn.training import fit, predict

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        f"MLPClassifier and MLPRegressor need scikit-learn 1.6 or later: {error}.\n"
        "  They are estimators of that package; the rest of nn works without it.\n"
        "  Run: pip install scikit-learn --upgrade"
    ) from None

SOLVERS = ("lbfgs", "sgd", "adam")


class _Perceptron(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The settings, and training, which need not know what the outputs mean."""

    def __init__(
        self,
        hidden_layer_sizes: Any = (4,),
        activation: Activation = "tanh",
        *,
        solver: str = "lbfgs",
        alpha: float = 1e-4,
        batch_size: int = 32,
        learning_rate_init: float = 0.01,
        max_iter: int = 200,
        tol: float = 1e-3,
        n_iter_no_change: int = 5,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, X: Any, y: Any, n_outputs: int, loss: Loss) -> None:
        """Fit a new model to checked arrays; sets model_, loss_curve_ and n_iter_."""
        self._check_settings()
        generator = Random(int(check_random_state(self.random_state).randint(2**31 - 1)))
        sizes = [*np.atleast_1d(self.hidden_layer_sizes).tolist(), n_outputs]
        activation = "sigmoid" if self.activation == "logistic" else self.activation
        model = MLP(self.n_features_in_, sizes, activation, seed=generator)
        parameters = model.parameters()
        weights = [w for layer in model.layers for neuron in layer.neurons for w in neuron.weights]
        rows, targets, lr = X.tolist(), y.tolist(), self.learning_rate_init
        alpha, tol, most, batch = (
            as_float(self.alpha),
            as_float(self.tol),
            as_int(self.max_iter),
            as_int(self.batch_size),
        )
        losses: list[float] = []
        best, waited = inf, 0

        def penalty(_: Any) -> Any:
            return alpha * l2_penalty(weights)

        def risk() -> Any:
            # Differentiated row by row, in half the time of one graph of all rows and in the memory of one row;
            # minimize's own backward() then adds the gradient of the penalty.
            total = 0.0
            for row, target in zip(rows, targets):
                row_loss = loss(model(row), target)
                row_loss.backward(1 / len(rows))
                total += row_loss.data
            return total / len(rows) + penalty(parameters)

        def converged(loss: float) -> bool:
            nonlocal best, waited
            losses.append(loss)
            if self.verbose:
                print(f"Iteration {len(losses)}, loss = {loss:.8f}")
            waited = 0 if best - loss > tol * max(1.0, loss) else waited + 1
            best = min(best, loss)
            return waited >= self.n_iter_no_change

        def stop_when_converged(loss: float) -> None:
            if converged(loss):
                raise StopIteration  # SciPy's word for it

        ending = "interrupted"
        try:
            if self.solver == "lbfgs":
                result = minimize(risk, parameters, most, callback=stop_when_converged)
                ending = "" if result.success else result.message
            else:
                optimizer = Adam(parameters, lr) if self.solver == "adam" else SGD(parameters, lr, 0.9, nesterov=True)
                history = fit(
                    model,
                    rows,
                    targets,
                    loss,
                    optimizer,
                    epochs=most,
                    batch_size=batch,
                    seed=generator,
                    penalty=penalty,
                    callbacks=[lambda history: converged(history.epochs[-1].loss)],
                    progress=False,
                )
                if not history.interrupted:
                    ending = "" if history.diverged else "max_iter reached"  # where it diverged, fit has warned
        except KeyboardInterrupt:
            pass
        self.model_, self.loss_curve_, self.n_iter_ = model, losses, len(losses)
        if waited >= self.n_iter_no_change:
            ending = "" if losses[-1] <= losses[0] else "the loss rose; take a smaller learning_rate_init"
        if ending:
            warnings.warn(
                f"{type(self).__name__} stopped after iteration {len(losses)} before it converged: {ending}.\n"
                "  model_ is as the last step left it. For a better one standardise the inputs, or raise max_iter.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _check_settings(self) -> None:
        if self.solver not in SOLVERS:
            known = ", ".join(SOLVERS)
            raise ValueError(f'Unknown solver {shown(self.solver)}.\n  Known are {known}.\n  Write solver="lbfgs".')
        ranges: dict[str, tuple[Any, float, str, float]] = {
            "alpha": (Real, 0, "the strength of the L2 penalty", 1e-4),
            "tol": (Real, 0, "how much a better risk is lower, at least", 1e-3),
            "max_iter": (Integral, 1, "the number of iterations or epochs, at most", 200),
            "batch_size": (Integral, 1, "the number of rows in one step", 32),
            "n_iter_no_change": (Integral, 1, "how many iterations without a better risk end the training", 5),
        }
        for name, (kind, least, meaning, default) in ranges.items():
            number: Any = getattr(self, name)
            if not (isinstance(plain(number), kind) and least <= as_float(number) < inf):
                what = "whole" if kind is Integral else "finite"
                raise ValueError(
                    f"{name} must be a {what} number of at least {least}, got {shown(number)}.\n"
                    f"  It is {meaning}.\n  Write {name}={default}."
                )

    def _outputs(self, X: Any) -> Any:
        """What the model says of checked rows: (T,) for a single output, else (T, n_outputs)."""
        check_is_fitted(self, "model_")
        return np.array(predict(self.model_, validate_data(self, X, dtype=float, reset=False)))


class MLPClassifier(ClassifierMixin, _Perceptron):  # type: ignore[misc]
    """A multilayer perceptron as a classifier: cross-entropy from logits, one for two classes, else one for each class.

    hidden_layer_sizes  neurons in each hidden layer; () for logistic regression
    activation          of the hidden layers: a name as in `nn.MLP`, "logistic" for its "sigmoid", or a function
    solver              "lbfgs" (`nn.minimize`: all rows at once, best for small data), "adam", or "sgd" (with Nesterov
                        momentum 0.9)
    alpha               the strength of the L2 penalty; the formula is at the top of this module
    batch_size          rows of one step, for adam and sgd
    learning_rate_init  the learning rate, for adam and sgd
    max_iter            at most so many iterations of lbfgs, or epochs
    tol                 converged when `n_iter_no_change` iterations in a row are not better than the best by more than
                        tol max(1, risk); iteration means epoch for adam and sgd
    random_state        an int for the same result to the last bit, a numpy RandomState, or None
    verbose             print the loss after every iteration

    After `fit`: model_ (the nn.MLP), classes_, n_features_in_, n_iter_, loss_curve_ (the risk after each iteration of
    lbfgs, or in each epoch). Where it stopped before it converged, after Ctrl-C too, it warns with ConvergenceWarning
    and keeps the model so far. The time goes with rows x weights x iterations: about a second for the 150 of iris.

    >>> classifier = MLPClassifier(random_state=0).fit([[-2.0], [-1.0], [1.0], [2.0]], ["no", "no", "yes", "yes"])
    >>> classifier.predict([[-3.0], [3.0]])
    array(['no', 'yes'], dtype='<U3')
    >>> classifier.model_
    MLP(1 -> 4 tanh -> 1)

    `fit` raises ValueError for fewer than two classes and for settings out of range.
    """

    classes_: Any

    def fit(self, X: Any, y: Any) -> MLPClassifier:
        """Train on rows X (T x n_features) and labels y (T), numbers or strings."""
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"A classifier needs at least two classes in y, got one class: {shown(self.classes_.tolist()[0])}.\n"
                "  Of one class there is nothing to tell apart.\n"
                "  Write train_test_split(X, y, stratify=y), where a split has left only one."
            )
        if len(self.classes_) == 2:
            self._train(X, targets, 1, binary_cross_entropy_with_logits)
        else:
            self._train(X, targets, len(self.classes_), cross_entropy)
        return self

    def decision_function(self, X: Any) -> Any:
        """The logits: (T,) for two classes, positive where the second is likelier, else (T, n_classes)."""
        return self._outputs(X)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, T x n_classes in the order of classes_: the softmax of the logits."""
        logits = self.decision_function(X)
        if logits.ndim == 1:  # sigmoid(z) is the second component of softmax([0, z])
            logits = np.column_stack([np.zeros_like(logits), logits])
        return np.array([softmax(row) for row in logits.tolist()])

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]


class MLPRegressor(MultiOutputMixin, RegressorMixin, _Perceptron):  # type: ignore[misc]
    """A multilayer perceptron as a regressor: `nn.squared_error`, 1/2 the sum of squares over the outputs of a row.

    Arguments and attributes as for `MLPClassifier`, without classes. Targets far from 0 or of large variance train
    slowly: write TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler()).

    >>> regressor = MLPRegressor((), random_state=0, tol=1e-8).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> print(regressor.predict([[10.0]]).round(2))
    [21.]
    """

    def fit(self, X: Any, y: Any) -> MLPRegressor:
        """Train on rows X (T x n_features) and targets y (T, or T x n_outputs)."""
        X, y = validate_data(self, X, y, dtype=float, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._train(X, y.astype(float), 1 if y.ndim == 1 else y.shape[1], squared_error)
        return self

    def predict(self, X: Any) -> Any:
        """The prediction for each row: (T,), or T x n_outputs if y had several columns."""
        return self._outputs(X)
