"""Each set of kernels that the processor has."""

from __future__ import annotations

import pytest

import autograd
from autograd._native import extension


def available(kernels: str) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRAD_KERNELS", kernels)
        try:
            autograd.compile(lambda x: x)(1.0)
        except ValueError:
            return False
    return True


@pytest.fixture(params=["avx512", "avx2", "baseline"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each set of kernels that this processor has; one is enough for programs in Python."""
    if extension("tapes") is None and request.param != "baseline":
        pytest.skip("the programs are in Python")
    if not available(request.param):
        pytest.skip("this processor does not have them")
    monkeypatch.setenv("AUTOGRAD_KERNELS", request.param)
    return str(request.param)
