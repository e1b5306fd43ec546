import numpy as np
import pytest

from pipelines.clustering.features_store import VideoFeatures, write_features
from pipelines.clustering.pseudolabel_store import PseudoLabels, read_diagnostics
from pipelines.io.errors import ContractError

THIRDS = {"granularity": "segment-thirds", "percentile": 50.0}


def test_videos_at_the_same_corner_share_a_label(workspace):
    workspace.fit()
    labels = PseudoLabels(workspace.assign())

    # Videos n and n + 4 lie at the same corners; the second half of n is the first of n + 1.
    found = [labels.lookup(f"v{n:02d}", 0, 23) for n in range(8)]
    assert sorted(found[:4]) == [0, 1, 2, 3]
    assert found[4:] == found[:4]
    assert [labels.lookup(f"v{n:02d}", 24, 47) for n in range(7)] == found[1:]


def test_only_listed_videos_get_labels(workspace):
    workspace.fit()

    labels = PseudoLabels(workspace.assign())

    assert set(labels.video_ids) == set(workspace.listed)
    assert labels.num_clusters == 4


def test_units_span_their_clips(workspace):
    # Four corners and three middles between them (two coincide): every third is its own place.
    workspace.fit(units=THIRDS, num_clusters=7)
    labels = PseudoLabels(workspace.assign(units=THIRDS))

    found = [labels.lookup("v00", first, first + 7) for first in range(0, 48, 8)]

    assert found[0::2] == found[1::2]
    assert len(set(found)) == 3


def test_diagnostics_count_every_unit_once(workspace):
    workspace.fit(max_fit_units=20)
    workspace.assign()

    found = read_diagnostics(workspace.folder / "diagnostics.parquet")

    totals = found[found["cluster"] == -1].set_index("measure")["value"]
    sizes = found[(found["measure"] == "size") & (found["cluster"] >= 0)]["value"]
    assert (totals["num_units"], totals["num_videos"], totals["num_empty"]) == (48, 8, 0)
    assert sizes.tolist() == [12, 12, 12, 12]
    assert totals["entropy_bits"] == pytest.approx(2)


def test_a_second_run_gives_the_same_bytes(workspace):
    workspace.fit()

    first = workspace.assign().read_bytes()

    assert workspace.assign().read_bytes() == first


def test_clusters_of_other_units_are_refused(workspace):
    workspace.fit()

    with pytest.raises(ContractError, match="was fitted to"):
        workspace.assign(units=THIRDS)

    assert not (workspace.folder / "pseudolabels.parquet").exists()


def test_a_source_without_features_leaves_no_table(workspace):
    workspace.fit()
    workspace.write_lists(workspace.shards, ["elsewhere"])

    with pytest.raises(ContractError, match="none of the 1 videos"):
        workspace.assign()

    assert not (workspace.folder / "pseudolabels.parquet").exists()
    assert not (workspace.folder / "diagnostics.parquet").exists()


@pytest.mark.parametrize(
    ("num_clusters", "granularity", "num_units"),
    [
        (1600, "clip", 2160),
        (1000, "segment-thirds", 1620),
        (500, "segment-actionbytes", 1080),
        (128, "video", 540),
    ],
)
def test_every_k_of_table_3_and_granularity_of_table_2(
    workspace, num_clusters, granularity, num_units
):
    # 540 videos of 4 clips; between them are 3 steps, of which the largest alone exceeds the
    # 80th percentile.
    rng = np.random.default_rng(0)
    first = 8 * np.arange(4, dtype=np.int64)
    features = rng.normal(size=(540, 4, 6)).astype(np.float32)
    names = [f"many{number:03d}" for number in range(540)]
    videos = [
        VideoFeatures(name, first, first + 7, rows)
        for name, rows in zip(names, features, strict=True)
    ]
    write_features(workspace.folder / "many.h5", videos, 6, {})
    workspace.write_lists([workspace.folder / "many.h5"], names)
    units = {"granularity": granularity, "percentile": 80.0}
    kmeans = {"num_clusters": num_clusters, "num_iterations": 3, "init": "random"}

    workspace.fit(units=units, max_fit_units=2000, **kmeans)
    labels = PseudoLabels(workspace.assign(units=units))

    sizes = read_diagnostics(workspace.folder / "diagnostics.parquet")
    sizes = sizes[(sizes["measure"] == "size") & (sizes["cluster"] >= 0)]["value"]
    assert (len(sizes), sizes.sum()) == (num_clusters, num_units)
    assert labels.num_clusters == num_clusters
    found = {labels.lookup(name, int(start), int(start) + 7) for name in names for start in first}
    assert len(found) == (sizes > 0).sum()
    assert found <= set(range(num_clusters))
