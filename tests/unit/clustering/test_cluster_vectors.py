import json

import numpy as np
import pytest

from pipelines.clustering import cluster_vectors
from pipelines.clustering.assignment_store import (
    read_assignments,
    read_vector_clusters,
    read_vector_diagnostics,
)
from pipelines.data.manifest import Problem, write_problems
from pipelines.data.source_store import write_source
from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.io.errors import ConfigError, ContractError, TooManySkippedError

CONFIG = {
    "num_clusters": 3,
    "num_clusterings": 2,
    "first_seed": 1234,
    "num_iterations": 20,
    "init": "k-means++",
    "max_fit_videos": None,
    "method": "faiss",
    "num_restarts": 2,
}
SIZE = 8


class Workspace:
    """Two vector shards of 30 videos at three planted places; 24 of them are the source."""

    def __init__(self, folder):
        self.folder = folder
        self.ids = [f"set/v{number:02d}" for number in range(30)]
        self.classes = {name: "abc"[number % 3] for number, name in enumerate(self.ids)}
        self.listed = {name: self.classes[name] for name in self.ids[:24]}
        rng = np.random.default_rng(0)
        places = np.eye(3, SIZE, dtype=np.float32)
        for part in range(2):
            sketch = draw_sketch(20, SIZE, 0)
            form = VectorForm(5, 2, "paper", 0.5)
            with VectorWriter(folder / f"shard-{part}.h5", sketch, form, False, {}) as writer:
                for number in reversed(range(part, 30, 2)):
                    noise = 0.05 * rng.normal(size=SIZE).astype(np.float32)
                    vector = places[number % 3] + noise
                    writer.add(self.ids[number], vector, np.zeros(20, np.float32), 10)
            write_problems(folder / f"skipped-{part}.parquet", [], {})
        self.write_source(self.listed)

    def write_source(self, labels):
        write_source(self.folder / "source.parquet", labels, {})

    def run(self, **changes):
        lists = {}
        for name, kind in (("shard", "h5"), ("skipped", "parquet")):
            lists[name] = self.folder / f"{name}.txt"
            paths = [self.folder / f"{name}-{part}.{kind}" for part in range(2)]
            lists[name].write_text("".join(f"{path}\n" for path in paths))
        options = {
            "config": json.dumps({"vectors": {**CONFIG, **changes}}),
            "vectors-list": lists["shard"],
            "skipped-list": lists["skipped"],
            "source": self.folder / "source.parquet",
            "out": self.folder / "clusters.h5",
            "assignments": self.folder / "assignments.parquet",
            "diagnostics": self.folder / "diagnostics.parquet",
        }
        texts = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        cluster_vectors.main(cluster_vectors.build_parser().parse_args(texts))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_every_listed_video_gets_its_planted_cluster_in_every_clustering(workspace):
    workspace.run()

    video_ids, clusters = read_assignments(workspace.folder / "assignments.parquet")
    assert video_ids == tuple(sorted(workspace.listed))
    assert clusters.shape == (2, 24)
    for run in clusters:
        pairs = {
            (cluster, workspace.classes[name]) for name, cluster in zip(video_ids, run, strict=True)
        }
        assert len(pairs) == 3
    stored = read_vector_clusters(workspace.folder / "clusters.h5")
    assert stored.seeds == (1234, 1235)
    assert stored.num_videos == 24
    assert len(stored.clusterings) == 2


def test_diagnostics_agree_with_what_was_planted(workspace):
    workspace.run()

    frame = read_vector_diagnostics(workspace.folder / "diagnostics.parquet")
    whole = frame[(frame.cluster == -1) & (frame.clustering == 0)].set_index("measure")["value"]
    assert whole["nmi_labels"] == pytest.approx(1)
    assert whole["nmi_clustering_1"] == pytest.approx(1)
    assert (whole["num_videos"], whole["num_empty"]) == (24, 0)
    stored = read_vector_clusters(workspace.folder / "clusters.h5")
    assert whole["inertia"] == pytest.approx(stored.clusterings[0].inertia, rel=1e-4)


def test_a_rerun_is_bit_identical(workspace):
    workspace.run(init="random", num_clusters=5)
    first = read_vector_clusters(workspace.folder / "clusters.h5").clusterings
    workspace.run(init="random", num_clusters=5)
    second = read_vector_clusters(workspace.folder / "clusters.h5").clusterings

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.centres, other.centres)
    assert not np.array_equal(first[0].centres, first[1].centres)


def test_unlabelled_sources_have_no_agreement_with_labels(workspace):
    workspace.write_source(dict.fromkeys(workspace.listed))
    workspace.run()

    frame = read_vector_diagnostics(workspace.folder / "diagnostics.parquet")
    assert "nmi_labels" not in set(frame["measure"])


def test_too_many_skipped_videos_stop_the_stage(workspace, monkeypatch):
    more = {**workspace.listed, "set/bad0": None, "set/bad1": None}
    workspace.write_source(more)
    rows = [Problem(f"set/bad{n}", "encode_fisher", "no-tracks", "") for n in range(2)]
    # Not of this source: does not count.
    rows += [Problem(f"set/test{n}", "encode_fisher", "no-tracks", "") for n in range(9)]
    write_problems(workspace.folder / "skipped-1.parquet", rows, {})

    with pytest.raises(TooManySkippedError, match=r"2 of 26 .*set/bad0 \(no-tracks\)"):
        workspace.run()
    assert not (workspace.folder / "clusters.h5").exists()
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.1")
    workspace.run()


def test_a_source_without_vectors_is_refused(workspace):
    workspace.write_source({"set/elsewhere": None})

    with pytest.raises(ContractError, match="none of the 1 videos"):
        workspace.run()


def test_fewer_videos_than_clusters_are_refused(workspace):
    with pytest.raises(ConfigError, match=r"vectors\.num_clusters: .* the 24 .*found 25"):
        workspace.run(num_clusters=25)


def test_all_videos_are_assigned_to_clusters_of_a_bounded_sample(workspace):
    workspace.run(max_fit_videos=9)

    assert read_vector_clusters(workspace.folder / "clusters.h5").num_videos == 9
    video_ids, clusters = read_assignments(workspace.folder / "assignments.parquet")
    assert video_ids == tuple(sorted(workspace.listed))
    for run in clusters:
        assert len(set(zip(run, (workspace.classes[name] for name in video_ids), strict=True))) == 3


def test_a_limit_that_holds_all_videos_changes_nothing(workspace):
    found = []
    for limit in (None, 24, 1000):
        workspace.run(max_fit_videos=limit)
        found.append(read_vector_clusters(workspace.folder / "clusters.h5").clusterings)

    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one.centres, same.centres)


def test_a_sample_smaller_than_the_clusters_is_refused(workspace):
    with pytest.raises(
        ConfigError, match="max_fit_videos must be at least num_clusters 3, found 2"
    ):
        workspace.run(max_fit_videos=2)
