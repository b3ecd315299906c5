"""`python -m autograd`: what it prints and its exit status."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from autograd.__main__ import main
from autograd.notation import NARROWEST, WIDTH, columns, cut, table


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_value_gradient_and_both_tables(capsys):
    status, out, err = run(capsys, "y + exp(x*y)", "x=0.5", "y=2")
    assert (status, err) == (0, "")
    assert out.startswith(
        "f(x, y) = y + exp(x*y)\n\n"
        "  value   4.718281828459045\n  df/dx   5.43656365691809\n  df/dy   2.3591409142295223\n"
    )
    assert "Forward pass" in out and "v5             v2 + v4   4.7183" in out
    assert "Backward pass" in out and out.endswith("(2.7183)(2.0)   5.4366\n")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["-x**2", "x=3"], ["value   -9.0", "df/dx   -6.0"]),
        (["--check", "-x**2", "x=-3"], ["df/dx    6.0"]),
        (["2**-1 + 3"], ["value   3.5"]),
        (["x*y", "--second", "y=2", "x=3"], ["df/dy   0.0    1.0", "df/dx   1.0    0.0"]),
        (["x", "x=inf"], ["value   inf"]),
        (["x*x", " x = 1e1 "], ["df/dx    20.0"]),
        (["sqrt(x)", "x=0", "--check"], ["inf                          not defined around here"]),
        (["3", "--second", "--check"], ["value   3.0"]),
    ],
)
def test_what_is_printed(capsys, arguments, lines):
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    for line in lines:
        assert line in out


def test_finite_differences_stand_beside_the_gradient(capsys):
    _, out, _ = run(capsys, "tanh(x) * exp(y) / (1 + x**2)", "x=0.7", "y=-1", "--check")
    rows = [line.split() for line in out.splitlines() if line.startswith("  df/d")]
    assert len(rows) == 2
    for _, engine, estimate, apart in rows:
        assert engine != estimate, "two computations, not one"
        assert abs(float(engine) - float(estimate)) < 1e-9
        assert float(apart) == pytest.approx(abs(float(engine) - float(estimate)), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["x^2", "x=1"], ["x^2\n   ^\n", "Write **"]),
        (["x + y", "x=1"], ["y has no value", "x + y\n      ^\n", "Write y=0.5"]),
        (["x", "x=1", "z=2"], ["'z=2'", "It has x", "Write x=0.5"]),
        (["3", "z=2"], ["'z=2'", "It has no names"]),
        (["x", "x=1", "x=2"], ["two values", "'x=2'"]),
        (["x", "x=one"], ["'one' is no number"]),
        (["x", "x="], ["'' is no number"]),
        (["x", "x", "=", "1"], ["'x' gives no value", "without spaces"]),
        (["x", "1=x"], ["'1=x'"]),
        (["exp(x)", "exp=1", "x=1"], ["'exp=1'"]),
        (["2*pi*x", "x=1"], ["pi has no value", "Write pi=3.141592653589793 after"]),
        (["e**x", "x=1"], ["e has no value", "Write e=2.718281828459045 after"]),
        (["x + alpha", "x=1", "alhpa=2"], ["'alhpa=2'", "It has x, alpha.", "Write alpha=0.5"]),
        (["where(x > 0, x, y)", "x=1"], ["no function 'where'", "Write maximum(x, y), minimum(x, y) or relu(x)"]),
    ],
)
def test_what_cannot_be_answered_has_status_2(capsys, arguments, parts):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "") and err.startswith("error: ")
    for part in parts:
        assert part in err


@pytest.mark.parametrize("arguments", [[], ["x", "x=1", "--chek"], ["x", "x=1", "--draw"]])
def test_wrong_options_have_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["log(x)", "x=-1"], ["log is not defined at -1.0 (node 'x')", "  log(x)\n  ^\n", "needs x > 0"]),
        (["1/(x-x)", "x=1"], ["divide is not defined", "  1/(x-x)\n   ^\n"]),
        (["exp(exp(x))", "x=10"], ["exp overflows", "  exp(exp(x))\n  ^\n"]),
        (["(0-x)**0.5", "x=1"], ["power is not defined at -1.0"]),
    ],
)
def test_outside_of_a_domain_it_has_status_1(capsys, arguments, parts):
    status, _, err = run(capsys, *arguments)
    assert status == 1 and err.startswith("error: ")
    for part in parts:
        assert part in err


def test_pictures_and_pages_are_written(capsys, tmp_path):
    picture, page = tmp_path / "f.dot", tmp_path / "f.html"
    status, out, err = run(capsys, "y + exp(x*y)", "x=0.5", "y=2", "--draw", str(picture), "--explore", str(page))
    assert (status, err) == (0, "")
    assert picture.stat().st_size and page.stat().st_size
    assert str(picture) in out and str(page) in out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_runs_as_a_program_on_any_console(encoding):
    process = subprocess.run(
        [sys.executable, "-m", "autograd", "x*x", "x=3"],
        capture_output=True, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert "df/dx   6.0" in process.stdout.decode(encoding).replace("\r\n", "\n")


NAMES = {"latin": "alpha", "wide": "数量数量数量数量数量数量"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("count", [1, 3, 5, 9])
def test_tables_of_many_or_long_names_end_and_fit_on_the_screen(capsys, count, name):
    names = [f"{name}{i}" for i in range(count)]
    values = [f"{name}={0.1234567 + 0.31 * i}" for i, name in enumerate(names)]
    status, out, err = run(capsys, "*".join(names), *values, "--second", "--check")
    assert (status, err) == (0, "")
    assert max(columns(line) for line in out.splitlines()[1:]) <= WIDTH  # the first is the expression itself
    second = out[out.index("Second derivatives") : out.index("Forward pass")]
    numbers = [float(text) for text in re.findall(r"(?<= )-?\d+\.[\de.+-]+", second)]
    assert len(numbers) == count * count, "each with all its digits"


@pytest.mark.parametrize("text", ["", "a", "价", "\u0301", "a long label", "价格价格", "e\u0301e\u0301e\u0301"])
@pytest.mark.parametrize("limit", [-3, 0, 1, 2, 3, 5, 100])
def test_a_text_is_cut_to_any_width(text, limit):
    short = cut(text, limit)
    assert columns(short) <= max(limit, 0)
    assert short == text or short == "" or (short.endswith("…") and text.startswith(short[:-1]))
    assert (short == text) == (columns(text) <= limit) or not text


@pytest.mark.parametrize("lengths", [(200, 3, 3), (60, 60, 60), (90, 2, 50, 1), (40,) * 5, (5,) * 40, (0, 300, 0)])
def test_the_widest_columns_of_a_table_give_way(lengths):
    lines = table([["x" * length for length in lengths]] * 3, numbers=())
    widths = [len(cell) for cell in lines[0].split()]
    assert max(map(columns, lines)) <= max(WIDTH, (NARROWEST + 3) * len(lengths))
    assert all(width == min(length, max(widths)) for width, length in zip(widths, filter(None, lengths)))
