"""The warning about the other package that is imported as `autograd`."""

from __future__ import annotations

import warnings

import pytest

from autograd import _namesake


@pytest.mark.parametrize("name", ["autograd-1.9.1.dist-info", "autograd-1.3.egg-info"])
def test_warns_where_the_namesake_is_installed(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.warns(UserWarning, match="pip uninstall autograd"):
        _namesake.warn([str(tmp_path / "absent"), str(tmp_path)])


@pytest.mark.parametrize("name", ["scalar_autograd-0.1.0.dist-info", "autograd_gamma-0.5.0.dist-info", "autograd"])
def test_keeps_quiet_about_others(tmp_path, name):
    (tmp_path / name).mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _namesake.warn([str(tmp_path)])
