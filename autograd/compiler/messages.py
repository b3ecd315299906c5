"""The texts of the compiler's errors, in three parts: what happened, why, the corrected code."""

from __future__ import annotations

from typing import Any

from autograd.formatting import on_one_line, shown

NO_OUTPUTS = (
    "This function returns an empty sequence, of which there is no source.\n"
    "  A statement computes each of its results.\n"
    "  Write a function that returns a number, or several."
)
NO_ROWS = (
    "There are no rows to take the loss of.\n  A mean over nothing is not defined.\n"
    "  Write f.backward(rows) with at least one row, as [[0.0, 1.0]]."
)


def no_function(f: Any) -> str:
    return (
        f"compile was given {shown(f)}, which is no function.\n  It runs a function once, on placeholders.\n"
        "  Write autograd.compile(lambda x: x * x), or @autograd.compile above a def."
    )


def wrong_n_inputs(n_inputs: Any, example: Any) -> str:
    given = f"n_inputs={shown(n_inputs)}" + f" and example={shown(example)}" * (example is not None)
    return (
        f"compile was given {given}.\n  n_inputs is the length of the one sequence that the function takes; an example"
        " says the same of any arguments.\n  Write compile(f, n_inputs=2), or compile(f, example=([0.0, 0.0], 1.0))."
    )


def wrong_example(example: Any) -> str:
    return (
        f"The example is a tuple with one entry for each argument, got {shown(example)}.\n"
        "  Its entries are numbers, or sequences of as many numbers as the function is to take.\n"
        f"  Write compile(f, example=({shown(example)},))."
    )


def no_signature(function: Any) -> str:
    return (
        f"compile cannot see how many arguments {shown(function)} takes.\n"
        "  It is traced with a placeholder for each.\n  Write compile(f, example=(0.0, 0.0)) for two numbers."
    )


def several_outputs(what: str, count: int) -> str:
    return (
        f"{what} needs a function that returns one number; this one returns a sequence of {count}.\n"
        "  A gradient belongs to one number; of several results each has its own.\n"
        "  Write f.batch_jacobian(rows), or return autograd.sum(results)."
    )


def wrong_arguments(name: str, example: Any, args: Any) -> str:
    return (
        f"{name} was compiled for arguments like {shown(example)}, got {shown(args)}.\n"
        "  A tape has a place for each number.\n"
        "  Write autograd.compile(f, example=...) with arguments of the new shapes, to compile it for them."
    )


def wrong_reduction(reduction: Any) -> str:
    return (
        f'The reduction is "mean" or "sum", got {shown(reduction)}.\n  It says how the rows become one loss.\n'
        '  Write f.backward(rows, reduction="mean").'
    )


def no_saved_function(problem: str) -> str:
    return (
        f"This is no compiled function that can be loaded: {problem}.\n"
        "  It is not, or no longer, what f.save has written; nothing was loaded.\n"
        "  Write f.save(path) to save the function again."
    )


def wrong_threads(threads: Any) -> str:
    return (
        f"threads must be a whole number from 1 to 1024, got {shown(threads)}.\n"
        "  The rows are divided over so many threads.\n  Write f.batch(rows, threads=2)."
    )


def wrong_errors(errors: Any) -> str:
    return (
        f'errors is "raise" or "nan", got {shown(errors)}.\n'
        "  It says what becomes of a row where the function raises.\n"
        '  Write f.batch(rows, errors="nan") for infinities and NaN in its place.'
    )


def no_table(rows: Any, error: Exception) -> str:
    return (
        f"The rows are no table of numbers: {on_one_line(str(error).partition(chr(10))[0], 200).rstrip('.')}.\n"
        "  Each row is a list of real numbers, all of one length.\n"
        "  Write f.batch([[0.0, 1.0], [2.0, 3.0]]), or a NumPy array of that shape."
    )


def wrong_shape(name: str, n_inputs: int, shape: Any) -> str:
    return (
        f"The rows of {name} have {n_inputs} numbers each; got a table of the shape {shape}.\n"
        "  Every column is one of the numbers that the function takes.\n"
        f"  Write rows of the shape (n, {n_inputs}), as numpy.zeros((10, {n_inputs}))."
    )


def missing_number(row: int, *column: Any) -> str:
    place = f"row {row}" + "".join(f", column {shown(name)}" for name in column)
    return (
        f"A number is missing in {place}.\n"
        "  NaN in its place would go through the function without an error, and into every sum.\n"
        '  Write f.batch(rows, errors="nan") for NaN there, or leave such rows out, as frame.dropna() does.'
    )


def other_columns(columns: Any, names: Any) -> str:
    if names is None or len(set(columns)) < len(columns):
        return (
            f"Columns of the table have the same name: {shown(columns)}.\n"
            "  They are read by their names, and which one is meant is not known.\n"
            "  Write f.batch(frame.to_numpy()) to read them in the order in which they stand."
        )
    return (
        f"The columns {shown(columns)} are not the arguments {shown(list(names))}.\n"
        "  Columns with names belong to the arguments of these names, in whatever order they stand.\n"
        f"  Write f.batch(frame[{shown(list(names))}]) for these, or f.batch(frame.to_numpy()) to read them in order."
    )


def columns_apart(name: str, count: int) -> str:
    return (
        f"{name} was given {count} columns as {count} arguments.\n"
        "  The rows are one table, with a column for each number that the function takes.\n"
        f"  Write f.{name}(numpy.column_stack([xs, ys])) for the columns xs and ys."
    )


def takes_numbers(name: str, args: Any) -> str:
    return (
        f"{name} takes numbers, one for each argument, got {shown(args)}.\n"
        "  A call computes one row; many rows are a table.\n"
        f"  Write {name}.batch(numpy.column_stack([xs, ys])) for a row at each place of xs and ys, or"
        " autograd.compile(f, example=([0.0, 0.0],)) for a function of a sequence."
    )


def no_method(name: str, owner: str) -> str:
    return (
        f"{name} was compiled as a method of {owner}.\n"
        "  A compiled function takes numbers, and the object is none: its numbers would be frozen into the trace.\n"
        f"  Write self.{name} = autograd.compile(self._{name}) in __init__, for a plain method _{name}; or"
        " @staticmethod above @autograd.compile."
    )


def wrong_call(name: str, wanted: str, problem: object) -> str:
    return (
        f"{name} was called with arguments that it does not take: {on_one_line(problem, 100).rstrip('.')}.\n"
        f"  It takes {wanted}.\n  Write the arguments in this order, or each one by its name."
    )


def arguments_without_names(name: str) -> str:
    return (
        f"{name} was given arguments by name, but was loaded from a file that has no names.\n"
        "  The file holds the steps of the function, and names only where every argument is a number.\n"
        f"  Write {name}(1.0, 2.0), the arguments in order."
    )
