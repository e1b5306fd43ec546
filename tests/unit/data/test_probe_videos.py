import json

import cv2
import numpy as np
import pytest

from pipelines.data.manifest import read_manifest, read_problems, shard_of
from pipelines.data.probe_videos import build_parser, main
from pipelines.io.errors import ConfigError

NUM_SHARDS = 3


@pytest.fixture
def root(tmp_path, make_video):
    folder = tmp_path / "root"
    make_video(folder / "clips" / "good.avi")
    make_video(folder / "clips" / "single.avi", num_frames=1)
    (folder / "clips" / "text.avi").write_text("not a video\n" * 50)
    (folder / "clips" / "void.avi").touch()
    make_video(folder / "new.avi")
    names = ["good", "gone", "single", "text", "void"]
    lines = [f"clips/{name}.avi,jump,g1,train\n" for name in names]
    (folder / "annotations.csv").write_text("video,label,group,split1\n" + "".join(lines))
    return folder


@pytest.fixture
def probe(root, tmp_path):
    """Probe one shard; returns the two tables' paths."""

    def run(shard, out="out", config=None):
        stanza = {"adapter": "csv", "root": str(root), "num_shards": NUM_SHARDS}
        text = json.dumps(stanza) if config is None else config
        paths = [tmp_path / out / name for name in ("probed.parquet", "problems.parquet")]
        options = ["--config", text, "--dataset", "mine"]
        options += ["--shard", f"{shard:04d}-of-{NUM_SHARDS:04d}"]
        options += ["--out", str(paths[0]), "--problems", str(paths[1])]
        main(build_parser().parse_args(options))
        return paths

    return run


def test_every_video_is_probed_or_recorded_in_its_own_shard(probe):
    videos, problems = {}, {}
    for shard in range(NUM_SHARDS):
        probed, rejected = probe(shard)
        videos |= {video.video_id: (shard, video) for video in read_manifest(probed, "r")}
        problems |= {item.video_id: (shard, item) for item in read_problems(rejected, "r")}

    assert list(videos) == ["mine/clips/good"]
    assert {name: (item.stage, item.kind) for name, (_, item) in problems.items()} == {
        "mine/clips/gone": ("list_videos", "missing"),
        "mine/clips/single": ("probe_videos", "one-frame"),
        "mine/clips/text": ("probe_videos", "unreadable"),
        "mine/clips/void": ("probe_videos", "empty"),
        "mine/new": ("list_videos", "unlisted"),
    }
    for name, (shard, _) in (videos | problems).items():
        assert shard == shard_of(name, NUM_SHARDS)


def test_images_pass_by_their_adapter(probe, tmp_path):
    folder = tmp_path / "pictures" / "cat"
    folder.mkdir(parents=True)
    assert cv2.imwrite(str(folder / "x.jpg"), np.zeros((24, 32, 3), np.uint8))
    stanza = {"adapter": "images", "root": str(folder.parent), "num_shards": NUM_SHARDS}

    tables = probe(shard_of("mine/cat/x", NUM_SHARDS), config=json.dumps(stanza))

    [video] = read_manifest(tables[0], "r")
    assert (video.label, video.roles, video.num_frames) == ("cat", {"all": "train"}, 1)
    assert read_problems(tables[1], "r") == []


def test_facts_and_annotations_of_a_video_are_kept(probe):
    shard = shard_of("mine/clips/good", NUM_SHARDS)

    (video,) = read_manifest(probe(shard)[0], "probe_videos")

    assert (video.path, video.label, video.group) == ("clips/good.avi", "jump", "g1")
    assert (video.roles, video.shard) == ({"split1": "train"}, shard)
    assert (video.num_frames, video.height, video.width) == (12, 24, 32)


def test_a_second_run_writes_the_same_bytes(probe):
    shard = shard_of("mine/clips/good", NUM_SHARDS)
    first = [path.read_bytes() for path in probe(shard)]

    assert [path.read_bytes() for path in probe(shard, "again")] == first


def test_an_empty_shard_gives_empty_tables(probe, root, make_video, tmp_path):
    (tmp_path / "lone").mkdir()
    make_video(tmp_path / "lone" / "x.avi")
    stanza = {"adapter": "folder", "root": str(tmp_path / "lone"), "num_shards": NUM_SHARDS}
    other = (shard_of("mine/x", NUM_SHARDS) + 1) % NUM_SHARDS

    probed, problems = probe(other, config=json.dumps(stanza))

    assert read_manifest(probed, "probe_videos") == []
    assert read_problems(problems, "probe_videos") == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"adapter": "folder", "root": ".", "num_shards": 3, "colour": "red"}', "colour"),
        ('{"adapter": "zip", "root": ".", "num_shards": 3}', "datasets.mine.adapter: found 'zip'"),
        ('{"adapter": ', "--config: Expecting value"),
    ],
)
def test_a_wrong_stanza_is_refused_before_anything_is_written(probe, tmp_path, config, message):
    with pytest.raises(ConfigError, match=message):
        probe(0, config=config)
    assert not (tmp_path / "out").exists()
