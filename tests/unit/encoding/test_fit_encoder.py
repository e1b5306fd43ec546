import numpy as np
import pytest
from sklearn.decomposition import PCA

from pipelines.data.source_store import write_source
from pipelines.encoding.encoder_store import read_encoder
from pipelines.encoding.mixture import MixtureStatistics
from pipelines.encoding.sample_store import read_sample
from pipelines.io.errors import DatasetError, PipelineError, TooManySkippedError


def sampled(workspace, **changes):
    paths = [workspace.sample(shard, num_videos=10, **changes) for shard in workspace.shards]
    return np.concatenate([rows for path in paths for _, rows in read_sample(path)])


def test_axes_are_those_of_the_joint_sample(workspace):
    rows = sampled(workspace)
    peer = PCA(0.9, svd_solver="full").fit(rows.astype(np.float64))

    found = read_encoder(workspace.fit())

    assert len(found.axes.axes) == peer.n_components_ < 426
    np.testing.assert_allclose(found.axes.axes, peer.components_, atol=1e-4)
    assert found.num_descriptors == len(rows)
    assert found.num_videos == 8


def test_the_mixture_describes_the_projected_sample(workspace):
    rows = sampled(workspace)

    found = read_encoder(workspace.fit())

    statistics = MixtureStatistics(found.fit.mixture)
    statistics.add(found.axes.project(rows))
    sums = statistics.finish()
    assert found.fit.mixture.num_dimensions == len(found.axes.axes)
    assert sums.log_likelihood / sums.num_descriptors == pytest.approx(
        found.fit.log_likelihood, abs=0.01
    )
    np.testing.assert_allclose(sums.s0 / sums.num_descriptors, found.fit.mixture.weights, atol=0.02)


def test_a_rerun_gives_the_same_numbers(workspace):
    sampled(workspace)

    one, other = read_encoder(workspace.fit()), read_encoder(workspace.fit())

    np.testing.assert_array_equal(one.fit.mixture.means, other.fit.mixture.means)
    np.testing.assert_array_equal(one.axes.axes, other.axes.axes)


def test_too_many_skipped_videos_stop_the_stage(workspace):
    sampled(workspace)

    with pytest.raises(TooManySkippedError, match="2 of 10 videos"):
        workspace.fit(limit=0.1)
    assert not (workspace.folder / "encoder.h5").exists()


def test_empty_samples_are_refused(workspace):
    write_source(workspace.folder / "source.parquet", {"elsewhere": None}, {})
    for shard in workspace.shards:
        workspace.sample(shard)

    with pytest.raises(DatasetError, match=r"hold 0 descriptors .* at least two that differ"):
        workspace.fit()


def test_fewer_descriptors_than_components_are_refused(workspace):
    sampled(workspace)

    with pytest.raises(PipelineError, match="1000 components"):
        workspace.fit(num_components=1000)
