import json
from pathlib import Path

import msgspec

from pipelines.data import generate_action_demo
from pipelines.data.ava_demo import (
    AvaDemoOptions,
    list_videos,
    planned_videos,
    required_paths,
    split_names,
)


def test_layout_is_avas():
    options = AvaDemoOptions(adapter="ava_demo", root="x", num_shards=1)

    names = [path.name for path in required_paths(Path("x"), options)]
    assert names[:2] == ["ava_train_v2.2.csv", "ava_val_v2.2.csv"]
    assert split_names(options) == ("split1",)
    assert options.first_second == 900


def test_what_is_planned_is_what_is_made(tmp_path):
    made = {"num_train": 2, "num_test": 1, "num_seconds": 2, "fps": 2}
    options = AvaDemoOptions(
        adapter="ava_demo", root=".", num_shards=1, scenes=msgspec.Raw(json.dumps(made).encode())
    )
    command = ["--config", json.dumps(made), "--out", str(tmp_path)]
    command += ["--report", str(tmp_path / "report.md")]
    generate_action_demo.main(generate_action_demo.build_parser().parse_args(command))

    listing = list_videos(tmp_path, options)

    assert planned_videos(options) == listing.videos
    assert listing.problems == []


def test_the_numbers_planned_are_the_generators_own():
    config = generate_action_demo.ActionDemoConfig()
    options = AvaDemoOptions(adapter="ava_demo", root="x", num_shards=1)

    assert len(planned_videos(options)) == config.num_train + config.num_test
