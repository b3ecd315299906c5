"""save and load: every double comes back, nothing is executed, and a file that is not as it was is refused."""

from __future__ import annotations

import json
import math
import os
import struct
from hashlib import sha256

import pytest

import autograd
import nn
from autograd import Value
from nn import serialization

ODD_DOUBLES = [0.0, -0.0, 0.1, -1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.inf, -math.inf,
               math.nan, math.pi, 1e22]  # fmt: skip


class Line(nn.Module):
    def __init__(self):
        self.slope, self.intercept = Value(2.0), Value(1.0)

    def __call__(self, x):
        return self.slope * x[0] + self.intercept


def bits(model):
    return {name: struct.pack("<d", number) for name, number in model.state_dict().items()}


@pytest.mark.parametrize(
    "model",
    [
        nn.MLP(2, [3, 1], seed=0),
        nn.MLP(3, [4, 4, 2], activation="relu", output_activation="sigmoid", seed=1),
        nn.MLP(2, [2], output_activation="tanh", seed=2),
        nn.Layer(3, 2, "leaky_relu", seed=3),
        nn.Neuron(4, activation=None, seed=4),
    ],
    ids=repr,
)
def test_a_model_comes_back_as_it_was(model, tmp_path):
    path = tmp_path / "model.json"
    nn.save(model, path)
    again = nn.load(str(path))
    assert repr(again) == repr(model) and type(again) is type(model)
    assert bits(again) == bits(model)
    row = [0.5] * (model.layers[0].n_inputs if isinstance(model, nn.MLP) else len(model.parameters()))
    row = row[: {"MLP": len(row), "Layer": 3, "Neuron": 4}[type(model).__name__]]
    assert nn.predict(again, [row]) == nn.predict(model, [row])


def test_every_double_makes_the_round_trip(tmp_path):
    model = nn.Neuron(len(ODD_DOUBLES) - 1)
    for parameter, number in zip(model.parameters(), ODD_DOUBLES):
        parameter.data = number
    nn.save(model, tmp_path / "m")
    assert bits(nn.load(tmp_path / "m")) == bits(model)
    json.loads((tmp_path / "m").read_text(), parse_constant=pytest.fail)  # strict JSON, without NaN and Infinity


@pytest.mark.parametrize("make", [Line, lambda: nn.MLP(1, [2, 1], activation=lambda z: autograd.sin(z) + z)])
def test_a_model_that_cannot_be_built_is_loaded_into_a_new_one(make, tmp_path):
    model = make()
    model.parameters()[0].data = 1.25
    nn.save(model, tmp_path / "m")
    with pytest.raises(ValueError, match=r"nn\.load\(path, model=(Line|MLP)\(\.\.\.\)\)"):
        nn.load(tmp_path / "m")
    again = make()
    assert nn.load(tmp_path / "m", model=again) is again
    assert bits(again) == bits(model)


def test_a_model_that_does_not_fit_is_refused_and_stays_as_it_was(tmp_path):
    nn.save(nn.MLP(2, [3, 1], seed=0), tmp_path / "m")
    other = nn.MLP(2, [4, 1], seed=1)
    before = bits(other)
    with pytest.raises(ValueError, match=r"MLP\(2 -> 4 tanh -> 1\)\.\n  Missing"):
        nn.load(tmp_path / "m", model=other)
    assert bits(other) == before


# ------------------------------------------------------------------------------------------------------ bad files


def test_no_truncated_file_is_loaded(tmp_path):
    path = tmp_path / "model.json"
    nn.save(nn.MLP(1, [2, 1], seed=0), path)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # the last byte is the end of the line
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="truncated or no JSON"):
            nn.load(path)


def test_no_changed_digit_is_loaded(tmp_path):
    path = tmp_path / "model.json"
    model = nn.MLP(1, [2, 1], seed=0)
    nn.save(model, path)
    whole = path.read_text()
    refused = 0
    for i, letter in enumerate(whole):
        if letter.isdigit():
            path.write_text(whole[:i] + str((int(letter) + 1) % 10) + whole[i + 1 :])
            try:
                assert bits(nn.load(path)) == bits(model)  # a 17th digit may make no difference to the double
            except ValueError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated or no JSON"),
        (b"\x80\x04\x95\x0b\x00\x00\x00", "no text"),
        (b"import os", "truncated or no JSON"),
        (b"[" * 100_000, "truncated or no JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[]", '"format"'),
        (b'{"format": "other"}', '"format"'),
        (b'{"format": "scalar-autograd model", "version": 2}', "version 2, and this program reads version 1"),
        (b'{"format": "scalar-autograd model", "version": 1}', "sha256"),
    ],
    ids=range(9),
)
def test_a_foreign_file_is_refused_and_named(content, message, tmp_path):
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        nn.load(path)
    assert "foreign.json" in str(caught.value)


def forged(**changes):
    """A saved neuron with changes, and a right sum over them."""
    content = {
        "format": serialization.FORMAT,
        "version": serialization.VERSION,
        "model": {"type": "Neuron", "arguments": {"n_inputs": 1, "sizes": [1], "activations": ["tanh"]}},
        "parameters": {"weights.0": 1.0, "bias": 2.0},
    }
    for path, value in changes.items():
        place = content
        *parents, last = path.split("__")
        for parent in parents:
            place = place[parent]
        place[last] = value
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return content | {"sha256": sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "missing"),
        ({"parameters": [1.0]}, "missing"),
        ({"parameters__bias": "import os"}, "no number"),
        ({"parameters__bias": None}, "no number"),
        ({"parameters__bias": True}, "no number"),
        ({"parameters__bias": 10**400}, "no number"),
        ({"parameters__more": 1.0}, "3 parameters do not make"),
        ({"parameters": {"weights.0": 1.0, "other": 2.0}}, "do not fit"),
        ({"model__type": "Path"}, "no 'Path' to build"),
        ({"model__arguments": []}, "others than"),
        ({"model__arguments__seed": 1}, "others than"),
        ({"model__arguments__n_inputs": 10**9}, "2 parameters do not make"),
        ({"model__arguments__n_inputs": 0}, "at least 1"),
        ({"model__arguments__n_inputs": True}, "at least 1"),
        ({"model__arguments__sizes": []}, "as many activations"),
        ({"model__arguments__sizes": [2]}, "of one size"),
        ({"model__arguments__sizes": [1.0]}, "at least 1"),
        ({"model__arguments__activations": ["__class__"]}, "no activation"),
        ({"model__arguments__activations": [["tanh"]]}, "no activation"),
        ({"model": {"type": "MLP", "arguments": {"n_inputs": 1, "sizes": [1] * 3, "activations": ["sin", "relu", ""]}}},
         "one activation for all hidden"),
    ],
    ids=str,
)  # fmt: skip
def test_a_forged_file_builds_nothing(changes, message, tmp_path):
    path = tmp_path / "m"
    path.write_text(json.dumps(forged()))
    assert nn.load(path).state_dict() == {"weights.0": 1.0, "bias": 2.0}
    path.write_text(json.dumps(forged(**changes)))
    with pytest.raises(ValueError, match=message):
        nn.load(path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file(step, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    nn.save(nn.Neuron(1, seed=0), path)
    before = path.read_bytes()

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            nn.save(nn.Neuron(1, seed=1), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.json"]
    nn.save(nn.Neuron(1, seed=1), path)
    assert path.read_bytes() != before


@pytest.mark.skipif(os.name != "posix", reason="the system has no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400])
@pytest.mark.parametrize("write", [lambda path: nn.save(nn.Neuron(1), path), autograd.compile(lambda x: x).save])
def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask(write, mode, tmp_path):
    path = tmp_path / "file.json"
    before = os.umask(0o077)
    try:
        write(path)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(mode)
        os.umask(0o022)
        write(path)
        assert path.stat().st_mode & 0o777 == mode
        path.unlink()
        write(path)
        assert path.stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    nn.save(nn.Neuron(1, seed=0), tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and nn.load(tmp_path / "target").state_dict() == nn.Neuron(
        1, seed=0
    ).state_dict()


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere to save model\.json in"):
        nn.save(nn.Neuron(1), tmp_path / "nowhere" / "model.json")
