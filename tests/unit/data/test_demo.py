import json

import msgspec

from pipelines.data import generate_demo
from pipelines.data.demo import (
    DemoOptions,
    list_videos,
    planned_videos,
    required_paths,
    split_names,
)
from pipelines.data.manifest import Video

OPTIONS = DemoOptions(adapter="demo", root=".", num_shards=1)


def test_the_table_stands_beside_the_videos(tmp_path):
    root = tmp_path / "videos"
    root.mkdir()
    (root / "a.avi").touch()
    (root / "b.avi").touch()
    (tmp_path / "annotations.csv").write_text(
        "video,label,group,split1\na.avi,spin,scene1,train\nb.avi,,,unlabelled\n"
    )

    listing = list_videos(root, OPTIONS)

    assert required_paths(root, OPTIONS) == [tmp_path / "annotations.csv"]
    assert listing.problems == []
    assert listing.videos == [
        Video("a", "a.avi", "spin", "scene1", {"split1": "train"}),
        Video("b", "b.avi", None, None, {"split1": "unlabelled"}),
    ]


def test_what_is_planned_is_what_is_made(tmp_path):
    counts = {"num_train_per_class": 1, "num_test_per_class": 1, "num_unlabelled": 2}
    made = counts | {"num_frames": 2, "height": 16, "width": 16}
    options = DemoOptions(
        adapter="demo",
        root=".",
        num_shards=1,
        generator=msgspec.Raw(json.dumps(made).encode()),
    )
    command = ["--config", json.dumps(made), "--out", str(tmp_path / "videos")]
    command += ["--annotations", str(tmp_path / "annotations.csv")]
    generate_demo.main(generate_demo.build_parser().parse_args(command))

    listing = list_videos(tmp_path / "videos", options)

    assert sorted(planned_videos(options), key=lambda video: video.video_id) == listing.videos
    assert listing.problems == []


def test_the_numbers_planned_are_the_generators_own():
    assert len(planned_videos(OPTIONS)) == 10 * (8 + 25) + 600
    config = generate_demo.DemoConfig()
    assert (config.num_train_per_class, config.num_test_per_class) == (8, 25)
    assert config.num_unlabelled == 600


def test_split_names():
    assert split_names(OPTIONS) == ("split1",)
