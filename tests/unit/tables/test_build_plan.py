import csv
import json

import pytest

from pipelines.data.manifest import write_manifest
from pipelines.io.errors import ConfigError
from pipelines.tables.build_plan import build_parser, main
from pipelines.tables.plan import COLUMNS
from tests.unit.tables.test_plan import video

CONFIG = {
    "frames": [{"size": [128, 171], "datasets": ["mine"]}],
    "target_fps": None,
    "max_frames": None,
    "flow": {"size": [128, 171], "datasets": ["mine"]},
    "flow_source": "tvl1-5-5-30-10",
    "feature_step": None,
    "num_shards": {"mine": 2},
    "works": [],
    "others": {"index_frames": 1},
}


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.parquet"
    write_manifest(path, [video(0), video(1)], {})
    return path


def build(tmp_path, *manifests):
    out = tmp_path / "plan.csv"
    options = ["--config", json.dumps(CONFIG), "--out", str(out), "--manifests"]
    main(build_parser().parse_args([*options, *map(str, manifests)]))
    with out.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_every_stage_and_the_sum_have_a_line(tmp_path, manifest):
    rows = build(tmp_path, manifest)

    assert tuple(rows[0]) == COLUMNS
    stages = ["decode_frames", "extract_flow", "index_frames", "total"]
    assert [row["stage"] for row in rows] == stages
    assert [float(row["cpu_hours"] or 0) > 0 for row in rows] == [True, True, False, True]


def test_manifests_must_be_those_of_the_datasets(tmp_path, manifest):
    with pytest.raises(ConfigError, match="expected one manifest for each of mine, in this order"):
        build(tmp_path, manifest, manifest)
