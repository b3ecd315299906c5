"""The harness runs, its adapters agree, and it stops where they do not. Times are never looked at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autograd
from benchmarks import eager, footprint, peers
from benchmarks.engines import ENGINES
from benchmarks.peers import Missing, Worker
from benchmarks.workloads import WORKLOADS


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Worker]]:
    started = {name: Worker(name) for name in ("pure", "micrograd", "own", "floats")}
    yield started
    for worker in started.values():
        worker.close()


@pytest.mark.parametrize(("workload", "size"), [("chain", 100), ("wide", 2500), ("tree", 100), ("moons", 3)])
def test_engines_agree(workers: dict[str, Worker], workload: str, size: int) -> None:
    ours, own, micrograd = (
        workers[name].ask(workload=workload, size=size, graphs=2)["numbers"] for name in ("pure", "own", "micrograd")
    )
    assert ours == own
    assert ours == pytest.approx(micrograd, rel=1e-12), "whose order of parents is that of a set"
    assert len(ours) > 3
    assert all(ours)


@pytest.mark.parametrize(("workload", "size"), [("chain", 100), ("wide", 5000), ("tree", 100), ("moons", 2)])
def test_the_nodes_are_counted_right(workload: str, size: int) -> None:
    row = WORKLOADS[workload]
    adapter = ENGINES["native"].adapter if autograd.backend == "native" else ENGINES["pure"].adapter
    root, _ = row.build(adapter(), row.prepare(autograd.Value, size), size)
    interior = sum(bool(node.parents) for node in autograd.topological_order(root))
    assert abs(interior - row.nodes(size)) <= 1


def test_the_program_prints_the_same_with_its_own_class(workers: dict[str, Worker]) -> None:
    ours, own, floats = (workers[name].ask(workload="microgpt", size=2) for name in ("pure", "own", "floats"))
    assert ours["printed"] == own["printed"]
    losses = [float(line.split()[-1]) for line in own["printed"].splitlines()[:2]]
    assert losses[0] != losses[1], "it learns"
    assert floats["numbers"] == pytest.approx(losses[:1], rel=1e-12)


class Wrong(Worker):
    """An engine that answers something else in one place."""

    place: Any = "numbers"

    def ask(self, **request: Any) -> dict[str, Any]:
        reply = super().ask(**request)
        if self.place == "numbers":
            reply["numbers"][-1] += 1e-6
        elif self.place == "length":
            reply["numbers"].pop()
        else:
            reply["printed"] += " "
        return reply


@pytest.mark.parametrize(
    ("place", "row"),
    [
        ("numbers", eager.Row("chain", 10, 1)),
        ("length", eager.Row("chain", 10, 1)),
        ("printed", eager.Row("microgpt", 1, 1)),
    ],
)
def test_engines_that_differ_are_not_timed(workers: dict[str, Worker], place: str, row: eager.Row) -> None:
    wrong = Wrong("own")
    wrong.place = place
    try:
        eager.compare(row, [workers["pure"], workers["own"]])
        with pytest.raises(SystemExit, match="differ, so their times are not compared"):
            eager.compare(row, [workers["pure"], wrong])
    finally:
        wrong.close()


def test_a_small_run_prints_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    eager.main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith("Left out") and "C was not built" not in line]
    rows = {line.split()[0]: line for line in lines if line}
    for workload in (*WORKLOADS, "microgpt"):
        assert rows[workload].count("x (") + rows[workload].count("x! (") >= 2
    assert "micrograd 0.1.0" in lines[-2]


def test_a_peer_that_cannot_be_installed_is_left_out_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path)
    monkeypatch.setitem(ENGINES, "xad", ENGINES["xad"]._replace(requirement="no/such requirement"))
    with pytest.raises(Missing, match="no/such requirement could not be installed: ERROR: Invalid requirement"):
        Worker("xad")
    assert not list(tmp_path.glob("*/made-for.txt")), "the next run tries again"


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        eager.main(["--peers", "jax"])
    assert "no peer jax; there are micrograd" in capsys.readouterr().err


def test_nothing_foreign_is_imported_with_the_engine() -> None:
    assert footprint.foreign_modules("pure") == footprint.foreign_modules("native") == []
