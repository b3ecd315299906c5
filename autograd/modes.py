"""The modes of the engine. Each thread and each asynchronous task has its own; each is restored in `finally`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

recording: ContextVar[bool] = ContextVar("recording", default=True)  # off inside no_grad
following_ieee: ContextVar[bool] = ContextVar("following_ieee", default=False)  # on while partials are computed
pauses = 0  # how many no_grad are open in all threads: looking at an int is cheaper than at the context
_lock = Lock()


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
    global pauses
    token = recording.set(on)
    with _lock:
        pauses += 1
    try:
        yield
    finally:
        with _lock:
            pauses -= 1
        recording.reset(token)
