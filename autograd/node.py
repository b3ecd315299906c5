"""What a node says and what it refuses, whichever engine computes: the base class of Value."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

from autograd import messages, pickling
from autograd.formatting import short


class Node:
    __slots__ = ()
    if TYPE_CHECKING:
        operation: Any
        data: float
        _data: float  # the same, also while a function is traced
        grad: float
        _grad: float  # likewise
        label: str

        @property
        def parents(self) -> tuple[Any, ...]: ...

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Real):
            raise TypeError(messages.compared_by_identity(other))
        return NotImplemented  # then Python compares by identity

    __hash__ = object.__hash__

    def __float__(self) -> NoReturn:
        raise TypeError(messages.LOSES_THE_GRADIENT)

    def __format__(self, specification: str) -> str:
        return format(self._data, specification)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({short(self._data)}, grad={short(self._grad)}{label})"

    def __reduce__(self) -> tuple[Any, ...]:
        return pickling.reduce(self)

    def __init_subclass__(cls) -> None:
        if cls.__mro__[1] is not Node:
            raise TypeError(messages.NO_SUBCLASSES)

    if not TYPE_CHECKING:
        _grad = property(lambda self: self.grad)

    # micrograd's names, for programs written for it

    @property
    def _prev(self) -> tuple[Any, ...]:
        return self.parents

    @property
    def _op(self) -> str:
        return "" if not self.parents else "ReLU" if self.operation.name == "relu" else self.operation.symbol

    def _refuse(self, function: Any = None) -> NoReturn:
        raise AttributeError(messages.NO_BACKWARD_OF_ITS_OWN)

    _backward = property(_refuse, _refuse)
