import io
import math
import re

import pytest

from demos import xor


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_learns_all_four_rows_with_a_clear_margin(seed: int) -> None:
    model, losses = xor.train(seed)
    zero_zero, zero_one, one_zero, one_one = xor.probabilities(model)
    assert max(zero_zero, one_one) < 0.1
    assert min(zero_one, one_zero) > 0.9
    assert losses[-1] < 0.05 < losses[0]


def test_the_last_loss_is_that_of_the_probabilities() -> None:
    model, losses = xor.train(seed=3, steps=20)
    p = xor.probabilities(model)
    by_hand = -(math.log(1 - p[0]) + math.log(p[1]) + math.log(p[2]) + math.log(1 - p[3])) / 4
    assert losses[-1] == pytest.approx(by_hand, rel=1e-12)
    assert len(losses) == 21


def test_a_seed_gives_the_same_run_twice_and_another_seed_another_run() -> None:
    assert xor.train(seed=5, steps=10)[1] == xor.train(seed=5, steps=10)[1]
    assert xor.train(seed=5, steps=10)[1] != xor.train(seed=6, steps=10)[1]


def test_piped_output_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    xor.main(["--small", "--seed", "7"])
    out, err = capsys.readouterr()
    assert err == ""
    assert "\r" not in out
    printed = [float(loss) for loss in re.findall(r"^step +\d+   loss (\d\.\d{4})", out, re.MULTILINE)]
    _, losses = xor.train(7, xor.STEPS_SMALL)
    assert printed == [round(loss, 4) for loss in losses[:: xor.STEPS_SMALL // 10]]
    assert re.findall(r"^ (\d)   (\d)     (\d)        0\.\d{4}   (\d) right$", out, re.MULTILINE) == [
        ("0", "0", "0", "0"), ("0", "1", "1", "1"), ("1", "0", "1", "1"), ("1", "1", "0", "0"),
    ]  # fmt: skip
    assert out.endswith("4 of 4 rows right.\n")


def test_a_terminal_gets_a_progress_bar_in_place_of_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out, err = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    xor.train(seed=0, steps=10, watched=True)
    assert out.getvalue() == ""
    assert "learning XOR: 100%" in err.getvalue()
    assert "10/10" in err.getvalue()


def test_the_picture_is_written(tmp_path, capsys):
    xor.main(["--small", "--plot", str(tmp_path / "xor.png")])
    assert (tmp_path / "xor.png").read_bytes().startswith(b"\x89PNG")
    assert "Picture written" in capsys.readouterr().out


def test_train_alone_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    xor.train(seed=0, steps=10)
    assert capsys.readouterr() == ("", "")
