"""Losses as loss(prediction, target): how wrong one prediction is. The empirical risk is their mean over the rows.

Prediction and target are both one number, or both a sequence of one length; a prediction is a Value or a number. Each
loss is a Value where the prediction holds one, so `loss(...).backward()` is the whole of training's calculus. Plain
numbers of any type, NumPy's scalars included, are taken as floats, and a class as an int.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from math import inf
from sys import float_info
from typing import Any

import autograd
from autograd import OPERATIONS, absolute, equal, log, log1p, not_equal, relu, softplus, where
from autograd.dispatch import as_int, as_number, as_numbers
from autograd.formatting import shown
from autograd.structure import is_sequence
from autograd.tracing import is_traced

Loss = Callable[[Any, Any], Any]
LARGEST = float_info.max


def squared_error(prediction: Any, target: Any) -> Any:
    """1/2 sum_i (y_i - d_i)^2, summed over the outputs; gradient y - d.

    >>> squared_error(3.0, 1.0)
    2.0

    Source: lectures 000 ("Real-valued output"), 002 and 004.
    """
    return 0.5 * autograd.sum((y - d) ** 2 for y, d in _pairs(prediction, target))


def mean_squared_error(prediction: Any, target: Any) -> Any:
    """The mean of (y_i - d_i)^2 over the outputs; gradient 2 (y - d) / n.

    >>> mean_squared_error([3.0, 1.0], [1.0, 1.0])
    2.0
    """
    pairs = _pairs(prediction, target)
    return autograd.sum((y - d) ** 2 for y, d in pairs) / len(pairs)


def mean_absolute_error(prediction: Any, target: Any) -> Any:
    """The mean of |y_i - d_i| over the outputs; gradient sign(y - d) / n, 0 where y = d.

    >>> mean_absolute_error([3.0, 1.0], [1.0, 1.0])
    1.0
    """
    pairs = _pairs(prediction, target)
    return autograd.sum(absolute(y - d) for y, d in pairs) / len(pairs)


def huber(prediction: Any, target: Any, delta: float = 1.0) -> Any:
    """The mean over the outputs of 1/2 r^2 for |r| <= delta, else delta (|r| - delta/2), where r = y_i - d_i.

    Quadratic near the target and linear far from it, so that outliers pull with a force of at most delta.

    >>> huber(1.5, 1.0), huber(4.0, 1.0)
    (0.125, 2.5)

    Raises ValueError unless delta > 0. Source: Huber (1964), "Robust Estimation of a Location Parameter".
    """
    delta = as_number(delta)
    if not delta > 0:
        raise ValueError(
            f"huber needs a delta above 0, got {delta}.\n"
            "  It is the size of the residual where the loss goes over from a parabola to a line.\n"
            "  Write nn.huber(prediction, target, delta=1.0)."
        )
    pairs = _pairs(prediction, target)
    return autograd.sum(_huber(y - d, delta) for y, d in pairs) / len(pairs)


def _huber(r: Any, delta: float) -> Any:
    return where(absolute(r) <= delta, lambda: 0.5 * r**2, lambda: delta * (absolute(r) - 0.5 * delta))


def hinge(prediction: Any, target: Any) -> Any:
    """The mean over the outputs of max(0, 1 - d y) for a score y and a class d of -1 or +1; the margin loss of SVMs.

    >>> hinge(0.25, 1), hinge(2.0, 1), hinge(2.0, -1)
    (0.75, 0.0, 3.0)

    The derivative is -d inside of the margin, else 0. Raises ValueError for any other target.
    """
    pairs = _pairs(prediction, target)
    for _, d in pairs:
        if not is_traced(d) and d not in (-1, 1):
            raise ValueError(
                f"hinge takes targets -1 and +1, got {_written(d)}.\n"
                "  The sign of the target says which side is right.\n"
                "  Write 2 * target - 1 for targets 0 and 1."
            )
    return autograd.sum(relu(1 - d * y) for y, d in pairs) / len(pairs)


def binary_cross_entropy(prediction: Any, target: Any) -> Any:
    """-d ln y - (1 - d) ln(1 - y) for a probability y and a target d in [0, 1], with 0 ln 0 = 0; mean over outputs.

    >>> binary_cross_entropy(0.5, 1.0)
    0.6931471805599453
    >>> binary_cross_entropy(0.0, 0.0)
    0.0

    The derivative is -1/y for d = 1 and 1/(1 - y) for d = 0. Raises ValueError where the loss is infinite: at
    (0, d > 0) and (1, d < 1), and outside of [0, 1]. Source: lectures 000 ("Binary class."), 003 and 004.
    """
    pairs = _binary_pairs(prediction, target)
    return autograd.sum(_binary_cross_entropy(y, d) for y, d in pairs) / len(pairs)


def _binary_cross_entropy(y: Any, d: Any) -> Any:
    try:
        terms = where(d > 0, lambda: -d * log(y), 0.0) + where(d < 1, lambda: (d - 1) * log1p(-y), 0.0)
        if is_traced(y) or not (y < 0 or y > 1):
            return terms
        raise ValueError
    except ValueError:
        raise ValueError(
            f"binary_cross_entropy is infinite or not defined at prediction {y}, target {_written(d)}.\n"
            "  A prediction must be a probability, and 0 and 1 are right or infinitely wrong.\n"
            "  Write nn.binary_cross_entropy_with_logits(z, target) for the logit z, before the sigmoid."
        ) from None


def binary_cross_entropy_with_logits(logit: Any, target: Any) -> Any:
    """`binary_cross_entropy` of sigmoid(z), from the logit z: d softplus(-z) + (1 - d) softplus(z), finite for all z.

    >>> binary_cross_entropy_with_logits(0.0, 1.0)
    0.6931471805599453

    The derivative is sigmoid(z) - d. An infinite logit costs nothing where it is right, 0 at (inf, 1) and (-inf, 0).
    Raises ValueError for a target outside of [0, 1]. Source: lecture 003, the example a - y.
    """
    pairs = _binary_pairs(logit, target)
    return autograd.sum(_from_logit(z, d) for z, d in pairs) / len(pairs)


def _from_logit(z: Any, d: Any) -> Any:
    def both() -> Any:
        return d * softplus(-z) + (1 - d) * softplus(z)

    if type(d) is float:
        if d not in (0.0, 1.0):
            return both()
        return where((z > -inf) & (z < inf), both, lambda: softplus(-z) if d else softplus(z))
    size, wrong = where(z < 0, -z, z), where(z < 0, d, 1 - d)  # |z|, but with a derivative at 0
    return softplus(-size) + _share(wrong, size)


def _share(share: Any, loss: Any) -> Any:
    """share * loss, where 0 of an infinite loss is 0; its derivative by the share is the loss, also for the share 0."""
    return share * where((share <= 0) & (loss >= inf), LARGEST, loss)


def cross_entropy(logits: Iterable[Any], target: Any) -> Any:
    """-sum_k t_k ln y_k for y = softmax(z), from the logits z: for a class c, ln sum_k e^(z_k - z_c); gradient y - t.

    logits  a sequence of K numbers or Values, before the softmax
    target  the class c, an int from 0 to K - 1, or K probabilities t (one-hot or soft)

    >>> cross_entropy([0.0, 0.0], 1)
    0.6931471805599453

    Raises IndexError for a class that does not exist, ValueError for a wrong number of probabilities, TypeError for
    a single logit. Source: lectures 000 ("Multi-class classification") and 002 ("Multiclass logistic regression").
    """
    z = _outputs(logits, "cross_entropy", "binary_cross_entropy_with_logits")
    if is_sequence(target):
        targets = [(k, t) for k, (_, t) in enumerate(_pairs(z, target)) if type(t) is not float or t]
        return -autograd.sum(t * _log_softmax_at(k, z) for k, t in targets)
    if is_traced(target):
        # The class stands in front; at its own place e^-inf adds nothing, so that no digits of a small loss cancel.
        others = [where(equal(target, k), -inf, number) for k, number in enumerate(z)]
        return -OPERATIONS["log_softmax"](_of_class(target, z), *others)
    return -_log_softmax_at(_class(target, len(z)), z)


def _of_class(target: Any, numbers: list[Any]) -> Any:
    """numbers[target] for a class that is known only when the trace runs."""
    chosen = numbers[0]
    for k, number in enumerate(numbers[1:], 1):
        chosen = where(equal(target, k), number, chosen)
    return chosen


def _log_softmax_at(k: int, z: list[Any]) -> Any:
    """autograd.log_softmax(z)[k] without computing the others."""
    return OPERATIONS["log_softmax"](z[k], *z[:k], *z[k + 1 :])


def negative_log_likelihood(probabilities: Iterable[Any], target: Any) -> Any:
    """-sum_k t_k ln y_k, with 0 ln 0 = 0, for probabilities y, as softmax gives them; gradient -t / y.

    target  the class c, an int from 0 to K - 1, or K probabilities t (one-hot or soft)

    >>> negative_log_likelihood([0.5, 0.5], 1)
    0.6931471805599453

    Raises ValueError where the loss is infinite (y_k = 0 where t_k > 0), IndexError for a class that does not exist.
    From logits `cross_entropy` is exact where this one overflows. Source: lecture 000 ("Multi-class classification").
    """
    y = _outputs(probabilities, "negative_log_likelihood", "binary_cross_entropy")
    if is_sequence(target):
        pairs = _pairs(y, target)
    else:
        pairs = [(_of_class(target, y) if is_traced(target) else y[_class(target, len(y))], 1.0)]
    try:
        terms = [
            where(not_equal(t, 0), lambda y_k=y_k, t=t: -t * log(y_k), 0.0)
            for y_k, t in pairs
            if is_traced(t) or not_equal(t, 0)
        ]
        return autograd.sum(terms)
    except ValueError:
        numbers = shown([float(f"{y_k:.6g}") for y_k in y])
        raise ValueError(
            f"negative_log_likelihood is infinite or not defined at {numbers}, target {shown(target)}.\n"
            "  It needs probabilities, above 0 where the target is.\n"
            "  Write nn.cross_entropy(z, target) for the logits z, before the softmax."
        ) from None


def l1_penalty(parameters: Iterable[Any]) -> Any:
    """The sum of the absolute values of the parameters; gradient: their signs, 0 at 0.

    >>> l1_penalty([3.0, -4.0])
    7.0
    """
    return autograd.sum(map(absolute, as_numbers(parameters)))


def l2_penalty(parameters: Iterable[Any]) -> Any:
    """1/2 the sum of the squares of the parameters; gradient: the parameters.

    >>> l2_penalty([3.0, 4.0])
    12.5

    Source: lecture 002, "L2-Regularized regression", R = 1/2 w^2.
    """
    return 0.5 * autograd.sum(w**2 for w in as_numbers(parameters))


def _binary_pairs(prediction: Any, target: Any) -> list[tuple[Any, Any]]:
    pairs = _pairs(prediction, target)
    for _, d in pairs:
        if not is_traced(d) and (d < 0 or d > 1):
            raise ValueError(
                f"Binary cross-entropy takes targets from 0 to 1, got {_written(d)}.\n"
                "  A target is the probability of the class 1.\n"
                "  Write (target + 1) / 2 for targets -1 and +1."
            )
    return pairs


def _written(target: Any) -> str:
    """0 for 0.0: which type a target had is not known any more."""
    return f"{target:.6g}" if type(target) is float else shown(target)


def _outputs(numbers: Any, loss: str, of_one: str) -> list[Any]:
    """The outputs of a model, one for each class."""
    if not is_sequence(numbers):
        raise TypeError(
            f"{loss} needs an output for each class, got one number: {shown(numbers)}.\n"
            "  A model with a single output returns it as a number; it tells two classes apart.\n"
            f"  Write nn.MLP(n_inputs, [4, 2]) for two classes, or nn.{of_one}(output, target)."
        )
    return as_numbers(numbers)


def _class(target: Any, n_classes: int) -> int:
    try:
        number = as_int(target)
    except TypeError:
        raise TypeError(
            f"A class is a whole number, got {shown(target)}.\n  It counts the outputs, from 0.\n"
            "  Write int(target), or the probabilities of all classes as a list."
        ) from None
    if not 0 <= number < n_classes:
        raise IndexError(
            f"There is no class {shown(target)}: of {n_classes} numbers, the classes are 0 to {n_classes - 1}.\n"
            "  Each output stands for one class, counted from 0.\n"
            "  Write target - 1 for classes that count from 1, or give the model an output for each class."
        )
    return number


def _pairs(prediction: Any, target: Any) -> list[tuple[Any, Any]]:
    several = [is_sequence(x) for x in (prediction, target)]
    if not any(several):
        return [(as_number(prediction), as_number(target))]
    if not all(several):
        raise ValueError(
            f"Prediction and target must both be one number or both a sequence: {shown(prediction)}, {shown(target)}.\n"
            "  Each output has a target of its own; a model with a single output returns a number.\n"
            f"  Write loss(prediction, {'[target]' if several[0] else 'target[0]'})."
        )
    ys, ds = as_numbers(prediction), as_numbers(target)
    if len(ys) != len(ds) or not ys:
        raise ValueError(
            f"A loss needs as many targets as predictions, at least one; got {len(ds)} for {len(ys)}.\n"
            "  Each output has a target of its own.\n"
            f"  Write nn.MLP(n_inputs, [4, {max(len(ds), 1)}]) for {max(len(ds), 1)} target(s) in each row."
        )
    return list(zip(ys, ds))


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        squared_error, mean_squared_error, mean_absolute_error, huber, hinge, binary_cross_entropy,
        binary_cross_entropy_with_logits, cross_entropy, negative_log_likelihood,
    )
}  # fmt: skip


def loss_of(loss: Loss | str) -> Loss:
    """A loss as a function: `squared_error` for "squared_error". Raises ValueError for a name that is none of nn's."""
    if callable(loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    letters = {"".join(word[0] for word in name.split("_")): name for name in LOSSES}
    text = loss[:80] if isinstance(loss, str) else ""
    near = letters.get(text.lower()) or get_close_matches(text, LOSSES, 1, 0.0)[0]
    raise ValueError(
        f"A loss is a function of prediction and target, or the name of one of nn's; got {shown(loss)}.\n"
        f'  The names are {", ".join(LOSSES)}.\n  Write loss=nn.{near}, or loss="{near}".'
    )
