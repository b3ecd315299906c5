"""Networks on top of `autograd`: modules, initialisation, losses and optimisers, under PyTorch's names."""

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
from nn.optimizers import SGD

__all__ = [
    "INITIALIZERS",
    "MLP",
    "SGD",
    "Layer",
    "Module",
    "Neuron",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "he_normal",
    "he_uniform",
    "hinge",
    "huber",
    "l1_penalty",
    "l2_penalty",
    "mean_absolute_error",
    "mean_squared_error",
    "negative_log_likelihood",
    "squared_error",
    "xavier_normal",
    "xavier_uniform",
]
