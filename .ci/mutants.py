"""Runs the mutation test of mutants.toml and compares the mutants that survive with those known to be equivalent.

`make mutants [ARGUMENTS=--again]`; --again runs only the survivors of the last run. The mutants live in copies below
build/mutants, one for each core, so that the working tree stays as it is. Exit status 1 where a survivor is not
listed in mutants_equivalent.txt.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from multiprocessing import Process
from pathlib import Path

from cosmic_ray.config import load_config
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import WorkItem

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
RESULTS = BUILD / "results.sqlite"
CONFIGURATION = ROOT / ".ci" / "mutants.toml"
COMMANDS = Path(sys.executable).parent
EQUIVALENT = ROOT / ".ci" / "mutants_equivalent.txt"


def main(argv: list[str]) -> int:
    again = argv == ["--again"] and RESULTS.exists()
    cores = os.cpu_count() or 1
    copies = [BUILD / f"copy{i}" for i in range(cores)]
    for copy in copies:
        shutil.rmtree(copy, ignore_errors=True)
        for folder in ("autograd", "nn", "demos", "tests", "benchmarks"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in [*filter(Path.is_file, ROOT.iterdir()), ROOT / ".ci" / "mutant.sh"]:
            shutil.copy(file, copy)
        # Bytecode of all that no mutant touches; the tests run without writing any, which might outlive its mutant.
        subprocess.run([sys.executable, "-m", "pytest", "-q", "--collect-only"], cwd=copy, stdout=subprocess.DEVNULL)
    run("cosmic-ray", "baseline", CONFIGURATION, cwd=copies[0])  # the tests pass without a fault, or all is in vain
    if not again:
        RESULTS.unlink(missing_ok=True)
        run("cosmic-ray", "init", CONFIGURATION, RESULTS, cwd=copies[0])
        run("cr-filter-operators", RESULTS, CONFIGURATION, cwd=copies[0])
    with sqlite3.connect(RESULTS) as database:
        database.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
    with use_db(RESULTS) as database:
        pending = sorted(database.pending_work_items, key=place)
    shares = [pending[len(pending) * i // cores : len(pending) * (i + 1) // cores] for i in range(cores)]
    workers = [Process(target=work, args=(copy, share)) for copy, share in zip(copies, shares)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return report()


def place(item: WorkItem) -> tuple[str, tuple[int, int]]:
    """Neighbours in the file come one after the other: the test that noticed the one often notices the next."""
    return str(item.mutations[0].module_path), item.mutations[0].start_pos


def work(copy: Path, items: list[WorkItem]) -> None:
    os.chdir(copy)
    os.environ.update(environment(copy))
    configuration = load_config(str(CONFIGURATION))
    with use_db(RESULTS) as database:
        for item in items:
            result = mutate_and_test(item.mutations, configuration.test_command, configuration.timeout)
            database.set_result(item.job_id, result)


def run(command: str, *arguments: Path | str, cwd: Path) -> None:
    subprocess.run([COMMANDS / command, *arguments], cwd=cwd, env=environment(cwd), check=True)


def environment(copy: Path) -> dict[str, str]:
    path = os.pathsep.join([str(COMMANDS), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def report() -> int:
    """Prints the counts, the survivors that nobody has explained, and the explanations that no survivor needs."""
    query = """SELECT module_path, operator_name, diff, test_outcome, worker_outcome
               FROM mutation_specs JOIN work_results USING (job_id)"""
    with sqlite3.connect(RESULTS) as database:
        rows = database.execute(query).fetchall()
    counts: dict[str, int] = {}
    survivors = []
    for module, operator, diff, outcome, worker in rows:
        state = outcome or worker  # a mutant that the configuration leaves out has no outcome
        counts[state] = counts.get(state, 0) + 1
        if state not in ("KILLED", "SKIPPED"):
            survivors.append(f"{module} | {operator.removeprefix('core/')} | {changed_line(diff)}")
    listed = re.findall(r"^(\S.*?)\n +#", EQUIVALENT.read_text(), re.MULTILINE)
    unknown = [survivor for survivor in survivors if survivor not in listed]
    print(", ".join(f"{count} {state.lower()}" for state, count in sorted(counts.items())))
    print(f"{len(survivors) - len(unknown)} survivors are listed as equivalent.")
    for survivor in unknown:
        print(f"survived: {survivor}")
    for line in listed:
        if line not in survivors:
            print(f"listed, but killed or gone: {line}")
    return bool(unknown)


def changed_line(diff: str) -> str:
    """The mutated line as a whole, without its indentation; of a line that was taken out, "without" and that line."""
    lines = [line for line in diff.splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")]
    added = next((line for line in lines if line[:1] == "+"), None)
    return added[1:].strip() if added else "without " + " ".join(line[1:].strip() for line in lines).strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
