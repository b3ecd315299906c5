"""The modes of the engine. Each thread and each asynchronous task has its own; each is restored in `finally`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from autograd import messages

T = TypeVar("T")


class Watch:
    """What looks at every result and every backward pass; this one does not look. See `detect_anomaly`."""

    def forward(self, data: float, operation: Any, parents: Any) -> Any:
        """The operation to be recorded as the one that made `data` from `parents`."""
        return operation

    def backward(self, root: Any, gradient: float) -> None:
        pass


recording: ContextVar[bool] = ContextVar("recording", default=True)  # off inside no_grad
following_ieee: ContextVar[bool] = ContextVar("following_ieee", default=False)  # on while partials are computed
tracing: ContextVar[Any] = ContextVar("tracing", default=None)  # the tape of the function that is being traced
NOBODY = Watch()
watch: ContextVar[Watch] = ContextVar("watch", default=NOBODY)
unusual: list[Any] = []  # an item for each mode that is set in any thread: cheaper to look at than the context


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: inside, operations return Values that have no parents. Also a decorator.

    >>> from autograd import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (4.0, ())

    Each thread and each asynchronous task has its own state. Raises TypeError inside of a function that is compiled.
    """
    if tracing.get() is not None:
        raise TypeError(messages.NO_GRAD_IN_A_TRACE)
    with set_to(recording, False):
        yield


@contextmanager
def traced_on(tape: Any) -> Iterator[None]:
    """While a function writes itself down on a tape. What it does to captured Values is computed, but only for show:
    of both branches of a choice one may have no real result, which must not raise."""
    with set_to(tracing, tape), set_to(following_ieee, True):
        yield


@contextmanager
def set_to(mode: ContextVar[T], state: T) -> Iterator[None]:
    token = mode.set(state)
    unusual.append(mode)  # append and pop are atomic; a counter would need a lock, which Ctrl-C can leave locked
    try:
        yield
    finally:
        unusual.pop()
        mode.reset(token)
