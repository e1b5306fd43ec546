import numpy as np
import pytest

from pipelines.data.manifest import read_problems
from pipelines.encoding.encoder_store import read_encoder
from pipelines.encoding.fisher import fisher_vector, normalise
from pipelines.encoding.mixture import MixtureStatistics
from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import read_fisher_vectors, read_vectors
from pipelines.io.errors import ConfigError, ContractError
from tests.unit.encoding.conftest import planted_tracks


@pytest.fixture
def fitted(workspace):
    for shard in workspace.shards:
        workspace.sample(shard)
    workspace.fit()
    return workspace


def expected(workspace, number, form="paper", limit=None):
    """From all descriptors of a video at once."""
    encoder = read_encoder(workspace.folder / "encoder.h5")
    statistics = MixtureStatistics(encoder.fit.mixture)
    rows = np.concatenate([*planted_tracks(number)])[:limit]
    statistics.add(encoder.axes.project(rows))
    return normalise(fisher_vector(statistics.finish(), encoder.fit.mixture, form), 0.5)


@pytest.mark.parametrize("form", ["paper", "official"])
def test_vectors_are_sketched_fisher_vectors(fitted, form):
    path = fitted.encode(form=form, keep_unsketched=True)

    found, whole = read_vectors(path), read_fisher_vectors(path)
    assert found.video_ids == tuple(f"set/v{number:02d}" for number in range(5))
    for number, (vector, fisher) in enumerate(zip(found.vectors, whole, strict=True)):
        exact = expected(fitted, number, form)
        np.testing.assert_allclose(fisher, exact, atol=1e-5)
        sketch = draw_sketch(len(exact), 16, 0)
        np.testing.assert_allclose(vector, sketch.apply(fisher), atol=1e-6)
    assert found.num_tracks.tolist() == [68] * 5


def test_videos_of_one_kind_lie_closer(fitted):
    found = read_vectors(fitted.encode(size=64)).vectors

    # Videos 0 and 3 have equal planted means, as have 1 and 4.
    cosines = found @ found.T
    assert cosines[0, 3] > max(cosines[0, 1], cosines[0, 2], cosines[3, 1])


def test_bad_videos_are_recorded_and_left_out(fitted):
    found = read_vectors(fitted.encode("b"))

    assert found.video_ids == ("set/v05", "set/v06", "set/v09")
    rows = read_problems(fitted.folder / "vectors-skipped-b.parquet", "encode_fisher")
    assert [(row.video_id, row.stage, row.kind) for row in rows] == [
        ("set/v07", "encode_fisher", "no-tracks"),
        ("set/v08", "encode_fisher", "not-finite"),
    ]


@pytest.mark.parametrize("max_tracks", [None, 20])
def test_the_full_dump_gives_the_same_vectors(fitted, max_tracks):
    changes = {"max_tracks": max_tracks, "keep_unsketched": True}
    path = fitted.encode("b", **changes)
    computed, whole = read_vectors(path), read_fisher_vectors(path)
    fitted.store_tracks()

    found = read_vectors(fitted.encode("b", **changes))

    assert found.video_ids == computed.video_ids
    np.testing.assert_array_equal(found.num_tracks, computed.num_tracks)
    np.testing.assert_array_equal(found.vectors, computed.vectors)
    np.testing.assert_array_equal(read_fisher_vectors(path), whole)
    rows = read_problems(fitted.folder / "vectors-skipped-b.parquet", "encode_fisher")
    assert [(row.video_id, row.kind) for row in rows] == [
        ("set/v07", "no-tracks"),
        ("set/v08", "not-finite"),
    ]


def test_videos_that_were_not_tracked_keep_their_reason(fitted):
    fitted.store_tracks(failed=[6])

    found = read_vectors(fitted.encode("b"))

    assert found.video_ids == ("set/v05", "set/v09")
    rows = read_problems(fitted.folder / "vectors-skipped-b.parquet", "encode_fisher")
    assert ("set/v06", "encode_fisher", "short", "3 frames") in [
        (row.video_id, row.stage, row.kind, row.detail) for row in rows
    ]


def test_a_cap_on_tracks_keeps_the_first(fitted):
    path = fitted.encode(max_tracks=20, keep_unsketched=True)

    assert read_vectors(path).num_tracks.tolist() == [20] * 5
    np.testing.assert_allclose(
        read_fisher_vectors(path)[2], expected(fitted, 2, limit=20), atol=1e-5
    )


def test_unsketched_vectors_are_kept_only_where_asked_for(fitted):
    with pytest.raises(ContractError, match="keep_unsketched"):
        read_fisher_vectors(fitted.encode())


def test_an_unknown_form_is_refused(fitted):
    with pytest.raises(ConfigError, match="paper, official"):
        fitted.encode(form="whitened")
