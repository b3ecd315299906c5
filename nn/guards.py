"""What a model, its loss and its penalty are made of besides numbers of parameters: what a trace took once and for all.

Attributes, closures, defaults, the globals that code names, and what these hold. Where none of it is another object
than before, a new trace would be the same, and finding that out takes a tenth of the time of tracing.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Iterator
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

HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE, of classes that are no part of the interpreter
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
        waiting = self._with(roots)
        while waiting:
            x = waiting.pop()
            if id(x) in seen:  # of an object that `objects` keeps alive
                continue
            seen.add(id(x))
            waiting += self._with(self._parts(x))
            if len(seen) > MOST:
                self.complete = False
                break

    def _with(self, parts: Iterable[Any]) -> list[Any]:
        """Takes note of the parts of an object; those that have parts of their own."""
        known = list(parts)
        self.objects += known
        if STEADY.issuperset(map(type, known)):
            return []
        return [part for part in known if type(part) not in STEADY]

    def same_as(self, other: State) -> bool:
        return (
            len(self.objects) == len(other.objects)
            and all(map(operator.is_, self.objects, other.objects))
            and self.contents == other.contents
        )

    def values(self) -> Iterator[Value]:
        return (x for x in self.objects if type(x) is Value)

    def _parts(self, x: Any) -> Iterable[Any]:
        kind: Any = type(x)
        parts = PARTS.get(kind)
        if parts is not None:
            return parts(x)
        if _is_plain(kind):
            return [kind, *vars(x), *vars(x).values()]
        if isinstance(x, type):
            return _of_class(x)
        if hasattr(x, "dtype") and hasattr(x, "tobytes"):  # NumPy's arrays and scalars
            if x.dtype.kind == "O":
                return list(x.flat)
            self.contents.append((x.shape, x.dtype.str, x.tobytes()))
            return []
        if isinstance(x, Random):
            self.contents.append(x.getstate())
            return []
        slots, attributes = _slots(kind), getattr(x, "__dict__", None)
        held = [kind, *(getattr(x, name) for name in slots if hasattr(x, name))]
        if attributes is not None:
            held += attributes
            held += attributes.values()
        base = next((base for base in CONTAINERS if isinstance(x, base)), None)
        if base is not None:
            held += PARTS[base](x)
        elif attributes is None and not slots:
            self.complete = False
        return held


@lru_cache(maxsize=1024)
def _is_plain(kind: Any) -> bool:
    """Whether its instances are their attributes and nothing else, as most are that are written in Python."""
    in_python = all(base is object or base.__flags__ & HEAP_TYPE for base in kind.__mro__)
    others = issubclass(kind, (type, Random, *CONTAINERS)) or _slots(kind) or hasattr(kind, "tobytes")
    return bool(in_python and kind.__dictoffset__ and not others)


@lru_cache(maxsize=1024)
def _slots(kind: Any) -> list[str]:
    slots = [vars(base).get("__slots__", ()) for base in kind.__mro__]
    return [name for names in slots for name in ([names] if isinstance(names, str) else names)]


def _of_function(function: Any) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    parts = [function.__code__, function.__defaults__, function.__kwdefaults__, *cells, *vars(function).values()]
    if _is_of_a_library(function):
        return parts
    names, known = _names_in(function.__code__), function.__globals__
    named = [known[name] if name in known else sys.modules.get(name) for name in names]
    modules: set[str] = set()
    for found in named:  # which grows: a module may be an attribute of another one
        if isinstance(found, ModuleType) and found.__name__ not in modules:
            modules.add(found.__name__)
            named += [vars(found)[name] for name in names if name in vars(found)]
    return parts + named


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
    return [type(kind), *kind.__mro__[1:], *(part for name, part in vars(kind).items() if name != "_abc_impl")]


def _is_of_a_library(x: Any) -> bool:
    return str(x.__module__).partition(".")[0] in LIBRARIES


def _of_operation(operation: Any) -> list[Any]:
    if OPERATIONS.get(operation.name) is operation:
        return []
    return [*vars(operation).values()]


CONTAINERS = (list, tuple, set, frozenset, dict)
PARTS: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: lambda items: items,
    tuple: lambda items: items,
    set: lambda items: items,
    frozenset: lambda items: items,
    dict: lambda items: [*items, *items.values()],
    FunctionType: _of_function,
    MethodType: lambda method: [method.__self__, method.__func__],
    BuiltinFunctionType: lambda function: [function.__self__],
    partial: lambda call: [call.func, *call.args, *call.keywords, *call.keywords.values()],
    type(OPERATIONS["add"]): _of_operation,
    classmethod: lambda method: [method.__func__],
    staticmethod: lambda method: [method.__func__],
    property: lambda attribute: [attribute.fget, attribute.fset],
}
