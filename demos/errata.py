"""The engine reads the five lectures critically: every number and formula that can be checked, and what does not hold.

    python -m demos.errata [--all] [--small]

Each row of ROWS is a claim of a lecture with its place and a check; demos/_errata has a module for each lecture. A
check evaluates the claim as printed and, where that is wrong, the right one at a concrete example; the engine decides
(with difference quotients beside it), or a count, a simulation, or the lecture's own numbers. A row is proven when the
numbers bear out what it says: a claim that holds gives the decisive numbers, an erratum does not and its correction
does. The lectures are transcriptions, so an erratum says what kind it is:

slip            wrong as printed, and the transcription is an unlikely cause
carried over    the step is right, its input was a slip
harmless        loose rather than wrong: too wide, or set right by what stands beside it
transcription?  a sign that reads like another, a lost stroke or a doubled line may be to blame
convention      right or wrong by what is agreed on, and the engine or another page agrees on something else

Not in the table is what no number can refute: letters that change their meaning from line to line, lost words.

Sources: lectures 000 to 004, the place being the section or slide. dA/dB stands for total and partial derivatives.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import Counter
from collections.abc import Sequence

from demos._errata import lecture_000, lecture_001, lecture_002, lecture_003, lecture_004
from demos._errata.shared import Numbers, Row

KINDS = ("holds", "slip", "carried over", "harmless", "transcription?", "convention")
LECTURES = ("000", "001", "002", "003", "004")
ROWS = lecture_000.ROWS + lecture_001.ROWS + lecture_002.ROWS + lecture_003.ROWS + lecture_004.ROWS


def listed(numbers: Numbers) -> str:
    return "  ".join("none" if number != number else f"{number + 0.0:.6g}" for number in numbers)


def block(row: Row) -> str:
    """An erratum in a few lines; a number that was carried over, or a claim that holds, in one or two."""
    e = row.evidence
    head = f"[{row.kind if row.proven else 'NOT PROVEN'}] {row.lecture}, {row.place}"
    if row.kind == "carried over":
        return f"{head}: printed {row.printed}, right {row.right}"
    if row.kind == "holds":
        return f"{head}: {row.printed}\n" + filled(e.by, listed(e.decisive[:5]))
    lines = {"printed": row.printed, "right": row.right, "printed gives": listed(e.printed),
             "right gives": listed(e.right), e.by: listed(e.decisive), "": row.why}  # fmt: skip
    return "\n".join([head, *(filled(name, text) for name, text in lines.items())])


def filled(name: str, text: str) -> str:
    return textwrap.fill(text, 98, initial_indent=f"  {name:15}", subsequent_indent=" " * 17, break_on_hyphens=False)


def counts(rows: Sequence[Row]) -> dict[str, Counter[str]]:
    """For each lecture, how many claims are of which kind."""
    return {lecture: Counter(row.kind for row in rows if row.lecture == lecture) for lecture in LECTURES}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.errata", description="The five lectures, checked.")
    parser.add_argument("--all", action="store_true", help="list the claims that hold, too")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    everything = parser.parse_args(argv).all

    print("What does not hold in the five lectures. Under the two claims stand the numbers that each gives at")
    print("a concrete example, and those that decide. 'none': the claim gives no number there.")
    blocks = [
        block(row) if row.kind in ("holds", "carried over") else f"\n{block(row)}\n"
        for row in ROWS
        if everything or row.kind != "holds"
    ]
    print(re.sub("\n{3,}", "\n\n", "\n" + "\n".join(blocks)))

    print("\nLecture 004's training, run again (seed 1, 200 steps): W1, b1, W2, b2 as printed, by the printed")
    print("code, and with a derivative for each bias. The lecture's two hidden biases move by the same number:\n")
    as_is, mended = (lecture_004.trained(each_bias_its_own) for each_bias_its_own in (False, True))
    runs = {"printed": lecture_004.TRAINED, "code as is": as_is, "mended": mended}
    for name, weights in runs.items():
        print(f"  {name:11}" + "".join(f"{weight:9.4f}" for weight in weights))

    print(f"\n{'lecture':9}{'checked':>9}" + "".join(f"{kind:>{len(kind) + 3}}" for kind in KINDS))
    for lecture, kinds in counts(ROWS).items():
        print(f"{lecture:9}{kinds.total():9}" + "".join(f"{kinds[kind]:{len(kind) + 3}}" for kind in KINDS))
    wrong = sum(row.kind != "holds" for row in ROWS)
    unproven = sum(not row.proven for row in ROWS)
    print(f"\n{len(ROWS)} claims checked: {len(ROWS) - wrong} hold, {wrong} do not; {unproven} rows are not proven.")


if __name__ == "__main__":
    main()
