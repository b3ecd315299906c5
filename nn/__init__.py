"""Networks on top of `autograd`: modules, losses, optimisers, training, pictures, files, in PyTorch's words."""

from typing import TYPE_CHECKING, Any

from nn.initialization import INITIALIZERS, he_normal, he_uniform, xavier_normal, xavier_uniform
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    huber,
    l1_penalty,
    l2_penalty,
    mean_absolute_error,
    mean_squared_error,
    negative_log_likelihood,
    squared_error,
)
from nn.modules import MLP, Layer, Module, Neuron
from nn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm, gradient_norm, minimize
from nn.plots import plot_decision_boundary, plot_gradient_norms, plot_history, plot_network
from nn.schedules import CosineAnnealingLR, LinearLR, StepLR
from nn.serialization import load, save
from nn.training import History, empirical_risk, fit, predict

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "History",
    "INITIALIZERS",
    "Layer",
    "LinearLR",
    "MLP",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSprop",
    "SGD",
    "StepLR",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "cross_entropy",
    "empirical_risk",
    "fit",
    "gradient_norm",
    "he_normal",
    "he_uniform",
    "hinge",
    "huber",
    "l1_penalty",
    "l2_penalty",
    "load",
    "mean_absolute_error",
    "mean_squared_error",
    "minimize",
    "negative_log_likelihood",
    "plot_decision_boundary",
    "plot_gradient_norms",
    "plot_history",
    "plot_network",
    "predict",
    "save",
    "squared_error",
    "xavier_normal",
    "xavier_uniform",
]


if TYPE_CHECKING:
    from nn.estimators import MLPClassifier as MLPClassifier
    from nn.estimators import MLPRegressor as MLPRegressor
else:

    def __getattr__(name: str) -> Any:
        if name in ("MLPClassifier", "MLPRegressor"):
            from nn import estimators  # scikit-learn is optional, and slow to import

            return getattr(estimators, name)
        from difflib import get_close_matches

        near = get_close_matches(name, [*__all__, "MLPClassifier", "MLPRegressor"], 1, 0.0)[0]
        raise AttributeError(
            f"module 'nn' has no attribute {name!r}.\n  Its names are listed in nn.__all__.\n"
            f"  Write nn.{near}, the nearest of them."
        )
