import pytest

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
