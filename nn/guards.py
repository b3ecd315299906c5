"""What a model, its loss and its penalty are made of besides numbers of parameters: what a trace took once and for all.

Attributes, closures, defaults, the globals that code names, and what these hold. Where none of it is another object
than before, a new trace would be the same, and finding that out takes a tenth of the time of tracing.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from random import Random
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from autograd import OPERATIONS, Value

MOST = 20_000  # objects with parts; to look at more would take longer than a trace
STEADY = frozenset([
    Value, type(None), type(...), bool, int, float, complex, str, bytes, range, CodeType, ModuleType,
    GetSetDescriptorType, MemberDescriptorType, operator.methodcaller, operator.attrgetter, operator.itemgetter,
])  # fmt: skip
LIBRARIES = sys.stdlib_module_names | {"autograd", "nn", "numpy"}  # whose functions stay what they are


class State:
    """All that can be reached from some objects at one moment.

    objects   in order: two states are the same where these are the same objects
    contents  what arrays and generators hold, which change in place
    complete  whether nothing was met that could change unseen
    """

    def __init__(self, *roots: Any) -> None:
        self.objects: list[Any] = []
        self.contents: list[Any] = []
        self.complete = True
        seen: set[int] = set()
        waiting = list(roots)
        while waiting:
            x = waiting.pop()
            self.objects.append(x)
            if type(x) in STEADY or id(x) in seen:
                continue
            seen.add(id(x))  # of an object that `objects` keeps alive
            parts = self._parts(x)
            if STEADY.issuperset(map(type, parts)):
                self.objects += parts
            elif len(seen) < MOST:
                waiting += parts
            else:
                self.complete = False

    def same_as(self, other: State) -> bool:
        return (
            len(self.objects) == len(other.objects)
            and all(map(operator.is_, self.objects, other.objects))
            and self.contents == other.contents
        )

    def values(self) -> Iterator[Value]:
        return (x for x in self.objects if type(x) is Value)

    def _parts(self, x: Any) -> list[Any]:
        for kinds, parts in PARTS:
            if isinstance(x, kinds):
                return parts(x)
        if hasattr(x, "dtype") and hasattr(x, "tobytes"):  # NumPy's arrays and scalars
            if x.dtype.kind == "O":
                return list(x.flat)
            self.contents.append((x.shape, x.dtype.str, x.tobytes()))
            return []
        if isinstance(x, Random):
            self.contents.append(x.getstate())
            return []
        held = [getattr(x, name) for name in _slots(type(x)) if hasattr(x, name)]
        if isinstance(x, (list, tuple, set, frozenset)):
            held += x
        elif isinstance(x, dict):
            held += [*x, *x.values()]
        elif not hasattr(x, "__dict__") and not _slots(type(x)):
            self.complete = False
        return [type(x), *held, *(part for pair in getattr(x, "__dict__", {}).items() for part in pair)]


def _slots(kind: type) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    return [name for names in slots for name in ([names] if isinstance(names, str) else names)]


def _of_function(function: Any) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    parts = [function.__code__, function.__defaults__, function.__kwdefaults__, *cells, *vars(function).values()]
    if _is_of_a_library(function):
        return parts
    names, known = _names_in(function.__code__), function.__globals__
    for found in [known[name] for name in names if name in known]:
        parts.append(found)
        if isinstance(found, ModuleType):
            parts += [vars(found)[name] for name in names if name in vars(found)]
    return parts


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is cell.cell_contents
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _names_in(code: CodeType) -> tuple[str, ...]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names_in(constant)]
    return tuple(dict.fromkeys([*code.co_names, *inner]))


def _of_class(kind: type) -> list[Any]:
    if _is_of_a_library(kind):
        return []
    return [*kind.__mro__[1:], *(part for name, part in vars(kind).items() if name != "_abc_impl")]


def _is_of_a_library(x: Any) -> bool:
    return str(x.__module__).partition(".")[0] in LIBRARIES


def _of_operation(operation: Any) -> list[Any]:
    if OPERATIONS.get(operation.name) is operation:
        return []
    return [*vars(operation).values()]


PARTS: list[tuple[Any, Callable[[Any], list[Any]]]] = [
    (FunctionType, _of_function),
    (MethodType, lambda method: [method.__self__, method.__func__]),
    (BuiltinFunctionType, lambda function: [function.__self__]),
    (type, _of_class),
    (type(OPERATIONS["add"]), _of_operation),
    (partial, lambda call: [call.func, *call.args, *call.keywords, *call.keywords.values()]),
    ((classmethod, staticmethod), lambda method: [method.__func__]),
    (property, lambda attribute: [attribute.fget, attribute.fset]),
]
