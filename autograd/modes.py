"""The modes of the engine. Each thread and each asynchronous task has its own; each is restored in `finally`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

recording: ContextVar[bool] = ContextVar("recording", default=True)  # off inside no_grad
following_ieee: ContextVar[bool] = ContextVar("following_ieee", default=False)  # on while partials are computed
pauses: list[bool] = []  # one item for each open no_grad in any thread: cheaper to look at than the context


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: inside, operations return Values that have no parents. Also a decorator.

    >>> from autograd import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (4.0, ())

    Each thread and each asynchronous task has its own state.
    """
    with recording_set_to(False):
        yield


@contextmanager
def recording_set_to(on: bool) -> Iterator[None]:
    token = recording.set(on)
    pauses.append(on)  # append and pop are atomic; a counter would need a lock, which Ctrl-C can leave locked
    try:
        yield
    finally:
        pauses.pop()
        recording.reset(token)
