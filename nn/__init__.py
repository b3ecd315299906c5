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
from nn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm, gradient_norm, minimize
from nn.schedules import CosineAnnealingLR, LinearLR, StepLR
from nn.serialization import load, save
from nn.training import History, empirical_risk, fit, predict

__all__ = [
    "save",
    "load",
    "predict",
    "fit",
    "empirical_risk",
    "History",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
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
    "gradient_norm",
    "he_normal",
    "he_uniform",
    "hinge",
    "huber",
    "l1_penalty",
    "l2_penalty",
    "mean_absolute_error",
    "mean_squared_error",
    "minimize",
    "negative_log_likelihood",
    "squared_error",
    "xavier_normal",
    "xavier_uniform",
]
