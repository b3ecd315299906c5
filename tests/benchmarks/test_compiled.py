"""The table of compiled programs: its references are right, wrong numbers stop it, a small run prints every row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from benchmarks import compiled, gradients, rounds
from benchmarks.compilers import COMPILERS
from benchmarks.peers import Worker
from benchmarks.problems import FUNCTIONS, NETWORKS, TAPES
from benchmarks.rounds import Row

SOME = {"options": 40, "waves": 40, "chain": 100, "random": 2000}  # rows, or operations


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_by_hand_are_those_of_small_steps(name: str) -> None:
    problem = NETWORKS[name]
    data, parameters = problem.data(problem.rows), problem.parameters()
    _, gradient = gradients.of_network(problem, parameters, *data)
    assert len(gradient) == len(parameters)
    for place in range(0, len(parameters), max(1, len(parameters) // 20)):
        steps = []
        for step in (1e-6, -1e-6):
            moved = parameters.copy()
            moved[place] += step
            steps.append(gradients.of_network(problem, moved, *data)[0])
        assert (steps[0] - steps[1]) / 2e-6 == pytest.approx(gradient[place], abs=1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_complex_steps_agree_with_the_eager_engine(name: str) -> None:
    problem = FUNCTIONS[name]._replace(rows=3)
    values, partials = gradients.of_function(problem, problem.columns())
    for row, column in enumerate(problem.columns().T.tolist()):
        leaves = [autograd.Value(number) for number in column]
        root = problem.formula(leaves, autograd)
        root.backward()
        assert root.data == pytest.approx(values[row], rel=1e-13)
        assert [leaf.grad for leaf in leaves] == pytest.approx(partials[:, row], rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", TAPES)
def test_tapes_agree_with_the_eager_engine(name: str) -> None:
    problem = TAPES[name]._replace(rows=SOME[name])
    leaves = [autograd.Value(number) for number in problem.numbers()]
    root = problem.build(leaves, problem.rows, autograd.relu)
    root.backward()
    value, partials = gradients.of_tape(problem)
    assert root.data == pytest.approx(value, rel=1e-13)
    assert [leaf.grad for leaf in leaves] == pytest.approx(partials, rel=1e-12)
    operations = sum(bool(node.parents) for node in autograd.topological_order(root))
    assert operations == problem.rows, "nothing is dead, nothing is done twice"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    started = rounds.start(["numpy"], 1)["numpy"]
    yield started
    started.close()


class Wrong:
    """A worker that answers something else in one place."""

    name = "numpy"

    def __init__(self, worker: Worker, place: str, change: float) -> None:
        self.worker, self.place, self.change = worker, place, change

    def ask(self, **request: Any) -> dict[str, Any]:
        reply = self.worker.ask(**request)
        if self.place in reply:
            reply[self.place][-1] += self.change
        return reply


@pytest.mark.parametrize(("place", "change"), [("values", 1e-6), ("gradients", 1e-6), ("gradients", np.nan)])
def test_what_is_wrong_is_not_timed(worker: Worker, place: str, change: float) -> None:
    assert rounds.ready(Row("moons"), {"numpy": worker}, [])
    with pytest.raises(SystemExit, match=f"of NumPy by hand, {place} are off by .*, so nothing is timed"):
        rounds.ready(Row("moons"), {"numpy": Wrong(worker, place, change)}, [])  # type: ignore[dict-item]


def test_a_loop_that_learns_something_else_is_not_timed(worker: Worker) -> None:
    with pytest.raises(SystemExit, match="the loss after 10 steps is"):
        rounds.ready(Row("xor"), {"numpy": Wrong(worker, "later", 1e-6)}, [])  # type: ignore[dict-item]


def test_too_few_numbers_are_wrong() -> None:
    wanted = np.array([1.0]), [np.array([2.0, 3.0])]
    assert not rounds.differs({"values": [1.0], "gradients": [2.0, 3.0]}, wanted)
    assert rounds.differs({"values": [1.0], "gradients": [2.0]}, wanted) == "there are 1 gradients instead of 2"


def test_who_cannot_solve_a_problem_is_left_out_with_the_reason(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out: list[str] = []
    monkeypatch.setitem(COMPILERS, "numpy", COMPILERS["numpy"]._replace(problems=("tape",)))
    assert rounds.ready(Row("chain", size=100), {"numpy": worker}, left_out) == {}
    assert left_out[0].startswith("chain: NumPy by hand: AttributeError")


def test_a_small_run_prints_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    compiled.main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith((*NETWORKS, *FUNCTIONS)) and "x" in line]
    assert len(rows) >= len(compiled.SMALL_ROWS)
    assert all("x (" in line or "x! (" in line for line in rows[: len(compiled.SMALL_ROWS)])
    assert any(line.startswith("NumPy by hand") for line in lines), "the time to a first result"
    assert any(line.startswith("ours, trace + fuse") for line in lines)
    assert not [line for line in lines if line.startswith("Left out")]


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compiled.main(["--peers", "micrograd"])
    assert "no peer micrograd; there are numpy, torch" in capsys.readouterr().err
