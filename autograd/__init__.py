"""Scalar reverse-mode automatic differentiation: every number is a node that you can read, question and step through.

>>> from autograd import Value
>>> x = Value(2.0, "x")
>>> y = x * x + 3 * x
>>> y.backward()
>>> x
Value(2.0, grad=7.0, label='x')
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd._namesake import warn as _warn_of_namesake
from autograd._native import backend as backend
from autograd.anomaly import detect_anomaly
from autograd.dispatch import Operation, operation, stop_gradient, where
from autograd.explain import explain, trace
from autograd.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad
from autograd.graph import topological_order
from autograd.lint import lint
from autograd.logical import equal, logical_and, logical_not, logical_or, not_equal
from autograd.modes import no_grad
from autograd.operations import (
    OPERATIONS,
    absolute,
    add,
    arccos,
    arcsin,
    arctan,
    cos,
    cosh,
    divide,
    erf,
    exp,
    expm1,
    gaussian,
    identity,
    leaky_relu,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    sech,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    subtract,
    tan,
    tanh,
)
from autograd.reductions import dot, log_softmax, logsumexp, softmax, sum
from autograd.value import Value

__all__ = [
    "Compiled", "GradcheckError", "OPERATIONS", "Operation", "TracingError", "Value", "absolute", "add", "arccos",
    "arcsin", "arctan", "check_engine", "compile", "cos", "cosh", "detect_anomaly", "divide", "dot", "draw", "equal",
    "erf", "exp", "explain", "explore", "expm1", "gaussian", "grad", "gradcheck", "hessian", "hvp", "identity",
    "jacobian", "jvp", "leaky_relu", "lint", "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or",
    "logsumexp", "maximum", "minimum", "multiply", "negative", "no_grad", "not_equal", "numerical_gradient",
    "operation", "power", "relu", "sech", "sigmoid", "sin", "sinh", "softmax", "softplus", "sqrt", "stop_gradient",
    "subtract", "sum", "tan", "tanh", "topological_order", "trace", "value_and_grad", "where",
]  # fmt: skip

if TYPE_CHECKING:
    from autograd.check_engine import check_engine as check_engine
    from autograd.checking import GradcheckError as GradcheckError
    from autograd.checking import gradcheck as gradcheck
    from autograd.checking import numerical_gradient as numerical_gradient
    from autograd.compiler.compiled import Compiled as Compiled
    from autograd.compiler.compiled import compile as compile
    from autograd.drawing import draw as draw
    from autograd.drawing.stepper import explore as explore
    from autograd.tracing import TracingError as TracingError
else:
    # Imported when first used, so that `import autograd` stays instant.
    _LATER = {
        "GradcheckError": "autograd.checking",
        "Compiled": "autograd.compiler.compiled",
        "TracingError": "autograd.tracing",
        "check_engine": "autograd.check_engine",
        "compile": "autograd.compiler.compiled",
        "draw": "autograd.drawing",
        "explore": "autograd.drawing.stepper",
        "gradcheck": "autograd.checking",
        "numerical_gradient": "autograd.checking",
    }

    def __getattr__(name: str) -> Any:
        if name in _LATER:
            return getattr(import_module(_LATER[name]), name)
        raise AttributeError(f"module 'autograd' has no attribute {name!r}")


_warn_of_namesake()
