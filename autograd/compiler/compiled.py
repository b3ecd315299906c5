"""What a user holds of a compiled function: calls, batches of rows, gradients, the tape."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from itertools import repeat
from math import isfinite
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from autograd import modes
from autograd.compiler import forms, messages, storage
from autograd.compiler.arguments import bound, names_of_positional, required
from autograd.compiler.replay import replay
from autograd.compiler.runner import Runner, runner_of
from autograd.compiler.tables import table_of
from autograd.files import write_whole
from autograd.structure import alike, flat, gathered, in_place_of, is_sequence, like
from autograd.tracing import Tape, TracingError, is_traced
from autograd.value import Value

Errors = Literal["raise", "nan"]
MOST_THREADS = 1024
ONE_ROW = {"batch": "value", "batch_value_and_grad": "value_and_grad"}  # the same for a single row


Method = TypeVar("Method", bound=Callable[..., Any])


def of_one_table(method: Method) -> Method:
    """The method, which refuses columns that are given one by one."""

    @wraps(method)
    def checked(self: Compiled, *args: Any, **kwargs: Any) -> Any:
        columns = sum(map(is_sequence, (*args[1:], *(x for name, x in kwargs.items() if name != "rows"))))
        if columns:
            raise TypeError(messages.columns_apart(method.__name__, 1 + columns))
        return method(self, *args, **kwargs)

    return cast(Method, checked)


def compile(
    function: Callable[..., Any] | None = None, *, n_inputs: int | None = None, example: tuple[Any, ...] | None = None
) -> Any:
    """The function traced once to a tape that runs over rows, forward and backward; also a decorator.

    function  of numbers, of sequences of numbers; it returns a number or a sequence. Values that it captures are its
              parameters: they stay what they are, may change between two calls, and get gradients
    n_inputs  the length of the sequence that is the function's only argument
    example   arguments of the shapes that it takes, as ([0.0, 0.0], 1.0). Without either, each argument is a number

    >>> f = compile(lambda x, y: x * y + x)
    >>> f(2.0, 3.0), f.value_and_grad(2.0, 3.0)
    (8.0, (8.0, (4.0, 2.0)))
    >>> f.batch([[2.0, 3.0], [0.5, 1.0]])
    array([8., 1.])

    It is traced when it is first used. A branch, float(), .data, .grad or an index on what depends on an argument
    raises TracingError with the line and what to write instead; `where`, `maximum` and `stop_gradient` are traced.

    The kernels are those of the widest vectors that the processor has; AUTOGRAD_KERNELS=avx512, avx2 or baseline asks
    for others.
    """
    if function is None:
        return lambda given: compile(given, n_inputs=n_inputs, example=example)
    if not callable(function):
        raise TypeError(messages.no_function(function))
    if n_inputs is not None:
        if not isinstance(n_inputs, Integral) or n_inputs < 0 or example is not None:
            raise ValueError(messages.wrong_n_inputs(n_inputs, example))
        example = ([0.0] * int(n_inputs),)
    elif example is not None and not isinstance(example, tuple):
        raise TypeError(messages.wrong_example(example))
    return Compiled(function, example)


class Compiled:
    """A function that was compiled, see `compile`.

    f(*args, **kwargs)          its value: a float, or a list of the shape that the function returns
    f.value_and_grad(*args)     the value and a tuple with the gradient by each argument
    f.batch(rows)               the values of all rows
    f.batch_value_and_grad(rows), f.batch_jacobian(rows)
    f.backward(rows)            the loss over the rows; adds into the parameters' .grad
    f.parameters                the leaves that the function captured
    f.tape                      the steps, line by line
    f.to_python(), f.to_c()     function and adjoint code as source
    f.save(path)                and Compiled.load(path); pickle writes the same
    """

    def __init__(self, function: Callable[..., Any] | None, example: tuple[Any, ...] | None) -> None:
        self.function, self._example = function, example
        self._given_by_name: tuple[str, ...] = ()  # the last arguments
        self._settings: dict[str, Any] = {}  # arguments that are no numbers
        self._others: dict[Any, Compiled] = {}  # for calls that give other arguments than those without a default
        self._tape: Tape | None = None
        self._outputs: list[int] = []
        self._shape: Any = 0.0  # of the result
        self._programs: dict[str, Runner] = {}
        self._count = None if example is None else len(example)  # of the arguments; None while it is not known
        if example is None and function is not None:
            wanted = required(function)
            if wanted is not None:
                self._count, self._given_by_name = len(wanted.positional + wanted.by_name), tuple(wanted.by_name)
        self.__doc__ = getattr(function, "__doc__", None)
        self.__name__ = getattr(function, "__name__", "f").replace("<lambda>", "f")
        self.__wrapped__ = function

    def __get__(self, instance: Any, owner: Any = None) -> Compiled:
        if instance is None:
            return self
        raise TypeError(messages.no_method(self.__name__, type(instance).__name__))

    # ------------------------------------------------------------------ the trace

    def _trace(self, given: tuple[Any, ...] = ()) -> Tape:
        """The tape. The first call's arguments are an example where there is no other and they hold a sequence."""
        if self._tape is None:
            example = self._example
            if example is None and any(map(is_sequence, given)):
                # A list is an example; of an array, operators make something of a function of numbers, too.
                of_numbers = any(hasattr(x, "dtype") and is_sequence(x) for x in given) and self._takes_numbers()
                try:
                    if not of_numbers:
                        return self._trace_on(given)
                except (TypeError, ValueError, AttributeError):
                    if not self._takes_numbers():
                        raise
                raise TypeError(messages.takes_numbers(self.__name__, given))
            if example is None:
                if self._count is None:
                    raise TypeError(messages.no_signature(self.function))
                example = (0.0,) * self._count
            return self._trace_on(example)
        return self._tape

    def _trace_on(self, example: tuple[Any, ...]) -> Tape:
        tape = Tape()
        shapes = like(example, repeat(0.0))
        tape.arguments = self._names_of(shapes)
        places = iter(range(len(flat(shapes))))
        arguments = [in_place_of(argument, map(tape.input, places)) for argument in example]
        first = len(arguments) - len(self._given_by_name)
        named = dict(zip(self._given_by_name, arguments[first:]))
        try:
            with modes.traced_on(tape):
                result = gathered(self.function(*arguments[:first], **named, **self._settings))  # type: ignore[misc]
                outputs = [tape.lift(output) for output in flat(result)]
        except ValueError as error:
            if isinstance(error.__cause__, TracingError):  # NumPy's, of a condition in an array
                raise error.__cause__ from None
            raise
        finally:
            tape.ended = True
        self._outputs, self._shape = outputs, like(result, repeat(0.0))
        self._tape, self._example = tape, tuple(shapes)
        return tape

    def _takes_numbers(self) -> bool:
        """Whether the function can be traced with a number for each argument."""
        try:
            count = self._count or 0
            self._traced_for((0.0,) * count, self._given_by_name, self._settings, count)._trace()
        except Exception:
            return False
        return True

    def _names_of(self, example: Sequence[Any]) -> list[str] | None:
        """Those of the arguments, where each is a number."""
        if any(map(is_sequence, example)):
            return None
        first = len(example) - len(self._given_by_name)
        names = names_of_positional(self.function, first)  # type: ignore[arg-type]
        return None if names is None else [*names, *self._given_by_name]

    @property
    def tape(self) -> Tape:
        """The steps of the function, before they are fused; prints line by line."""
        return self._trace()

    @property
    def parameters(self) -> list[Value]:
        """The leaves that the function captured, in the order in which it used them."""
        return list(self._trace().parameters)

    @property
    def n_inputs(self) -> int:
        """How many numbers a row has."""
        self._trace()
        return len(flat(list(self._example or ())))

    def _single(self, what: str) -> int:
        if is_sequence(self._shape) or len(self._outputs) != 1:
            raise TypeError(messages.several_outputs(what, len(self._outputs)))
        return self._outputs[0]

    # ------------------------------------------------------------------ one row

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = gathered(args), {name: gathered(x) for name, x in kwargs.items()}
        if modes.tracing.get() is not None or any(map(is_traced, flat([*args, *kwargs.values()]))):
            return self._inlined(args, kwargs)
        compiled, numbers = self._given(args, kwargs)
        return like(compiled._shape, iter(compiled._run_once("value", numbers)))

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[float, tuple[Any, ...]]:
        """f and df/dx for each argument x that is given: a number for a number, a list for a sequence.

        >>> compile(lambda x: x[0] * x[1], n_inputs=2).value_and_grad([2.0, 3.0])
        (6.0, ([3.0, 2.0],))

        Arguments that are given by name come last, in the order of the signature. Raises TypeError where the function
        returns several numbers.
        """
        args, kwargs = gathered(args), {name: gathered(x) for name, x in kwargs.items()}
        compiled, numbers = self._given(args, kwargs)
        compiled._single("value_and_grad")
        value, *gradient = compiled._run_once("value_and_grad", numbers)
        return value, tuple(like(compiled._example, iter(gradient)))

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Compiled, list[float]]:
        """The trace for a call, and its numbers. What has a default is an input where it is given, else a constant."""
        compiled = self
        if kwargs or (self._count is not None and len(args) != self._count) or self._given_by_name:
            compiled, args = self._for_call(args, kwargs)
        compiled._trace(args)
        example = compiled._example or ()
        if not alike(args, example):
            of_numbers = not any(map(is_sequence, example)) and len(args) == len(example)
            if of_numbers and any(map(is_sequence, args)):
                raise TypeError(messages.takes_numbers(self.__name__, args))
            raise TypeError(messages.wrong_arguments(self.__name__, example, args))
        return compiled, [float(Value(number).data) for number in flat(args)]

    def _for_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Compiled, tuple[Any, ...]]:
        """The trace for arguments that are given by name, or for more or fewer of them than have no default."""
        if self.function is None:
            return self, self._by_names(args, kwargs)
        first = (self._count or 0) - len(self._given_by_name)
        try:
            call = bound(self.function, self.__name__, args, kwargs, first)
        except TypeError:
            if kwargs:
                raise
            raise TypeError(messages.wrong_arguments(self.__name__, self._expected(), args)) from None
        names, settings, numbers = call.split()
        if (len(numbers), names, settings) == (self._count, self._given_by_name, {}):
            return self, numbers
        key = (len(call.positional), names, tuple(settings.items()))
        if key not in self._others:
            self._others[key] = self._traced_for(None, names, settings, len(numbers))
        return self._others[key], numbers

    def _traced_for(self, example: Any, names: tuple[str, ...], settings: dict[str, Any], count: int) -> Compiled:
        other = Compiled(self.function, example)
        other._given_by_name, other._settings, other._count = names, settings, count
        return other

    def _expected(self) -> tuple[Any, ...]:
        return self._example if self._example is not None else (0.0,) * (self._count or 0)

    def _by_names(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments of a function that was loaded, in order."""
        names = self._trace().arguments
        if not kwargs:
            return args
        if names is None:
            raise TypeError(messages.arguments_without_names(self.__name__))
        rest = names[len(args) :]
        if set(rest) != set(kwargs):
            given = f"{len(args)} by position, and by name {', '.join(kwargs)}"
            raise TypeError(messages.wrong_call(self.__name__, f"({', '.join(names)})", given))
        return (*args, *(kwargs[name] for name in rest))

    def _inlined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result inside of another function that is compiled: its steps become part of the other trace."""
        if self.function is not None:
            return self.function(*args, **kwargs)
        outer = modes.tracing.get() or next(x._tape for x in flat([*args, *kwargs.values()]) if is_traced(x))
        args = self._by_names(args, kwargs)
        if not alike(args, self._example):
            raise TypeError(messages.wrong_arguments(self.__name__, self._example, args))
        found = self._trace().copied(self._outputs, outer, list(map(outer.lift, flat(args))))
        return like(self._shape, iter(found))

    def _run_once(self, form: str, numbers: list[float], errors: str = "raise", where: str = "") -> list[float]:
        results, raised = self._program(form).run_once(numbers)
        if errors == "raise" and (raised or not all(map(isfinite, results))):
            (raises,), _ = self._program("raising").run_once(numbers)
            if raises:
                replay(self._trace(), self._outputs, numbers, where)
        if form != "value" and not all(map(isfinite, results)):
            results, _ = self._program(f"careful {form}").run_once(numbers)
        return results

    # ------------------------------------------------------------------ many rows

    @of_one_table
    def batch(self, rows: Any, threads: int = 1, errors: Errors = "raise") -> Any:
        """The values of all rows, an array (n,), or (n, n_outputs) where the function returns several numbers.

        rows     a table (n, n_inputs) of doubles; whatever has the buffer protocol is read in place. The columns of a
                 frame (pandas, polars, Arrow) belong to the arguments of their names
        threads  over which the rows are divided; they change no digit
        errors   "raise", or "nan": infinities and NaN without an error, and NaN for what is missing in a frame

        Raises what the function raises for the first bad row, and names it: ArithmeticError, ValueError. Raises
        ValueError for a number that is missing, and for columns of other names.
        """
        found = self._run_rows("batch", rows, len(self._trace_outputs()), threads, errors)
        return found if is_sequence(self._shape) else found[:, 0]

    @of_one_table
    def batch_value_and_grad(self, rows: Any, threads: int = 1, errors: Errors = "raise") -> tuple[Any, Any]:
        """The values (n,) and their derivatives by the numbers of the row (n, n_inputs); see `batch`.

        Rows in columns (Fortran's order) are read in place, and the gradients then lie in columns too.
        """
        self._trace()
        self._single("batch_value_and_grad")
        found = self._run_rows("batch_value_and_grad", rows, 1 + self.n_inputs, threads, errors)
        return found[:, 0], found[:, 1:]

    @of_one_table
    def batch_jacobian(self, rows: Any, threads: int = 1, errors: Errors = "raise") -> tuple[Any, Any]:
        """The values (n, n_outputs) and the Jacobians (n, n_outputs, n_inputs); see `batch`."""
        count, n = len(self._trace_outputs()), self.n_inputs
        found = self._run_rows("batch_value_and_grad", rows, count * (1 + n), threads, errors)
        return found[:, :count], found[:, count:].reshape(len(found), count, n)

    @of_one_table
    def backward(
        self, rows: Any, reduction: Literal["mean", "sum"] = "mean", threads: int = 1, errors: Errors = "raise"
    ) -> float:
        """The mean (or sum) of the function over the rows; its gradient is added to the parameters' `.grad`.

        >>> w = Value(2.0)
        >>> compile(lambda x: (w * x) ** 2).backward([[1.0], [2.0]]), w.grad
        (10.0, 10.0)

        Raises as `batch` does, and then no `.grad` has changed.
        """
        if reduction not in ("mean", "sum"):
            raise ValueError(messages.wrong_reduction(reduction))
        self._trace()
        self._single("backward")
        table = self._table(rows, threads, errors)
        if not len(table):
            raise ValueError(messages.NO_ROWS)
        program, weight = self._program("backward"), 1.0 / len(table) if reduction == "mean" else 1.0
        (loss, _, *gradient), raised = program.run_sums(table, weight, threads)
        finite = isfinite(loss + sum(gradient)) or all(map(isfinite, (loss, *gradient)))
        if errors == "raise" and (raised or not finite):
            self._raise_in_rows(table, threads)
        if not finite:
            program = self._program("careful backward")
            (_, _, *gradient), _ = program.run_sums(table, weight, threads)
        totals = [parameter.grad + adjoint for parameter, adjoint in zip(program.parameters, gradient)]
        for parameter, total in zip(program.parameters, totals):
            parameter.grad = total
        return float(loss)

    def _trace_outputs(self) -> list[int]:
        self._trace()
        return self._outputs

    def _run_rows(self, form: str, rows: Any, columns: int, threads: int, errors: Errors) -> Any:
        np = import_module("numpy")
        table = self._table(rows, threads, errors)
        order = "F" if table.flags.f_contiguous and not table.flags.c_contiguous else "C"
        results = np.empty((len(table), columns), order=order)
        if len(table) == 1:  # there are no lanes to fill
            results[0] = self._run_once(ONE_ROW[form], table[0].tolist(), errors, ", in row 0")
            return results
        finite, raised = self._program(form).run_rows(table, results, threads)
        if errors == "raise" and (raised or not finite):
            self._raise_in_rows(table, threads)
        if not finite and form != "batch":
            with np.errstate(all="ignore"):  # a product with ones is the quickest way to ask all columns at once
                nonfinite = ~np.isfinite(results @ np.ones(columns))
            many = 4 * np.count_nonzero(nonfinite) > len(table)  # then copies of rows would take longer than to run all
            again = table if many else table[nonfinite]
            careful = np.empty((len(again), columns), order=order)
            self._program(f"careful {form}").run_rows(again, careful, threads)
            if many:
                np.copyto(results, careful, where=nonfinite[:, None])
            else:
                results[nonfinite] = careful
        return results

    def _raise_in_rows(self, table: Any, threads: int) -> None:
        """Raises what the function raises for the first row where it does."""
        np = import_module("numpy")
        raises = np.empty((len(table), 1))
        self._program("batch raising").run_rows(table, raises, threads)
        for row in np.flatnonzero(raises[:, 0]).tolist():
            replay(self._trace(), self._outputs, table[row].tolist(), f", in row {row}")

    def _table(self, rows: Any, threads: int, errors: str) -> Any:
        """The rows as an array (n, n_inputs) of doubles: the same memory where it holds doubles."""
        if not isinstance(threads, Integral) or not 1 <= threads <= MOST_THREADS:
            raise ValueError(messages.wrong_threads(threads))
        if errors not in ("raise", "nan"):
            raise ValueError(messages.wrong_errors(errors))
        n, table = self.n_inputs, table_of(rows, self._trace().arguments, missing=errors)
        if table.ndim == 1 and (n == 1 or not len(table)):
            table = table.reshape(len(table), n)
        if table.ndim != 2 or table.shape[1] != n:
            raise ValueError(messages.wrong_shape(self.__name__, n, table.shape))
        return table

    # ------------------------------------------------------------------ source and files

    def to_python(self, name: str | None = None) -> str:
        """The function and its adjoint code in Python that needs nothing else, variables named after labels.

        >>> "def f_value_and_grad(x, y):" in compile(lambda x, y: x * y).to_python()
        True
        """
        from autograd.compiler import source  # which is needed for this alone

        return source.to_python(
            self._trace(), self._outputs, self.n_inputs, name or self.__name__, self._trace().arguments
        )

    def to_c(self, name: str | None = None) -> str:
        """The function and its adjoint code in C99 that needs libm alone: to read, and to embed a gradient.

        >>> "double f_value_and_grad(" in compile(lambda x, y: x * y).to_c()
        True
        """
        from autograd.compiler import source

        return source.to_c(self._trace(), self._outputs, self.n_inputs, name or self.__name__, self._trace().arguments)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the traced function and the numbers of its parameters to a file; `Compiled.load` reads it.

        The file holds steps, numbers and labels, no code, and is whole or not there.
        """
        write_whole(path, self._text())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Compiled:
        """The function that `save` wrote, with parameters of its own. Executes nothing.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     compile(lambda x, y: x * y).save(folder + "/f.json")
        ...     Compiled.load(folder + "/f.json")(2.0, 3.0)
        6.0

        Raises ValueError, saying what is wrong, for a file that is damaged, of another version or forged.
        """
        return _from_text(Path(path).read_bytes())

    def _text(self) -> str:
        tape = self._trace()
        return storage.to_text(self.__name__, self._example, self._shape, tape, self._outputs)

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_text, (self._text(),)

    # ------------------------------------------------------------------ programs

    def _program(self, name: str) -> Runner:
        if name not in self._programs:
            tape, outputs, n = self._trace(), self._outputs, self.n_inputs
            careful, form = name.startswith("careful "), name.removeprefix("careful ")
            make: Callable[[bool], forms.Form] = {
                "value": lambda native: forms.values(tape, outputs, False, native),
                "value_and_grad": lambda native: forms.input_gradients(tape, outputs, n, False, native, careful),
                "raising": lambda native: forms.raising(tape, outputs, False, native),
                "batch": lambda native: forms.values(tape, outputs, True, native),
                "batch_value_and_grad": lambda native: forms.input_gradients(tape, outputs, n, True, native, careful),
                "batch raising": lambda native: forms.raising(tape, outputs, True, native),
                "backward": lambda native: forms.parameter_gradient(tape, outputs[0], None, native, careful),
            }[form]
            self._programs[name] = runner_of(make, tape.parameters, n)
        return self._programs[name]

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"


def _from_text(text: str | bytes) -> Compiled:
    name, example, shape, tape, outputs = storage.from_text(text)
    compiled = Compiled(None, example)
    compiled.__name__, compiled._shape, compiled._tape, compiled._outputs = name, shape, tape, outputs
    return compiled
