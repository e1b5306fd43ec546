import h5py
import numpy as np
import pytest

from pipelines.encoding.encoder_store import StoredEncoder, read_encoder, write_encoder
from pipelines.encoding.mixture_fit import MixtureFit
from pipelines.encoding.principal_axes import PrincipalAxes
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import read_stamp
from tests.unit.encoding.test_mixture import random_mixture


def stored():
    rng = np.random.default_rng(0)
    axes = PrincipalAxes(
        rng.random(9, np.float32), rng.random((4, 9), np.float32), np.array([0.5, 0.2, 0.1, 0.05])
    )
    return StoredEncoder(axes, MixtureFit(random_mixture(), -3.25, 17, True), 1000, 20)


def test_what_is_written_comes_back(tmp_path):
    path, encoder = tmp_path / "encoder.h5", stored()

    write_encoder(path, encoder, {"module": "test"})
    found = read_encoder(path)

    for part in ("mean", "axes", "explained"):
        np.testing.assert_array_equal(getattr(found.axes, part), getattr(encoder.axes, part))
    for part in ("weights", "means", "variances"):
        np.testing.assert_array_equal(
            getattr(found.fit.mixture, part), getattr(encoder.fit.mixture, part)
        )
    assert (found.fit.log_likelihood, found.fit.num_iterations) == (-3.25, 17)
    assert found.fit.has_converged is True
    assert (found.num_descriptors, found.num_videos) == (1000, 20)
    assert read_stamp(path) == {"module": "test"}


def test_parameters_that_make_no_mixture_are_refused(tmp_path):
    path = tmp_path / "encoder.h5"
    write_encoder(path, stored(), {})
    with h5py.File(path, "r+") as target:
        target["variances"][0, 0] = -1

    with pytest.raises(ContractError, match="must be positive"):
        read_encoder(path)
