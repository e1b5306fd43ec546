import json

import pytest

from pipelines.data.manifest import Video, read_manifest, read_problems, shard_of, write_listing
from pipelines.data.probe_videos import build_parser, main
from pipelines.io.errors import ConfigError


@pytest.fixture
def listing(tmp_path, make_video):
    make_video(tmp_path / "clips" / "good.avi")
    make_video(tmp_path / "clips" / "single.avi", num_frames=1)
    (tmp_path / "clips" / "text.avi").write_text("not a video\n" * 50)
    (tmp_path / "clips" / "void.avi").touch()
    names = ["clips/good", "clips/gone", "clips/single", "clips/text", "clips/void"]
    videos = [Video(name, f"{name}.avi", "jump", "g1", {"s": "train"}) for name in names]
    write_listing(tmp_path / "listing.parquet", videos, {})
    return tmp_path / "listing.parquet"


def probe(listing, out, config=None):
    config = config or {"root": str(listing.parent), "num_shards": 8}
    arguments = ["--config", json.dumps(config), "--listing", str(listing)]
    arguments += ["--out", str(out / "probed.parquet"), "--problems", str(out / "problems.parquet")]
    main(build_parser().parse_args(arguments))
    return out / "probed.parquet", out / "problems.parquet"


def test_usable_videos_are_probed_and_others_recorded(listing, tmp_path):
    probed, problems = probe(listing, tmp_path / "out")

    (video,) = read_manifest(probed, "probe_videos")
    assert (video.video_id, video.label, video.group) == ("clips/good", "jump", "g1")
    assert video.roles == {"s": "train"}
    assert video.shard == shard_of("clips/good", 8)
    assert (video.num_frames, video.height, video.width) == (12, 24, 32)
    assert [
        (item.video_id, item.stage, item.kind) for item in read_problems(problems, "probe_videos")
    ] == [
        ("clips/gone", "probe_videos", "missing"),
        ("clips/single", "probe_videos", "one-frame"),
        ("clips/text", "probe_videos", "unreadable"),
        ("clips/void", "probe_videos", "empty"),
    ]


def test_a_second_run_writes_the_same_bytes(listing, tmp_path):
    first = [path.read_bytes() for path in probe(listing, tmp_path / "out")]

    assert [path.read_bytes() for path in probe(listing, tmp_path / "again")] == first


def test_an_empty_shard_gives_empty_tables(tmp_path):
    write_listing(tmp_path / "listing.parquet", [], {})

    probed, problems = probe(tmp_path / "listing.parquet", tmp_path / "out")

    assert read_manifest(probed, "probe_videos") == []
    assert read_problems(problems, "probe_videos") == []


def test_unknown_config_keys_are_refused(listing, tmp_path):
    with pytest.raises(ConfigError, match="colour"):
        probe(listing, tmp_path / "out", {"root": ".", "num_shards": 8, "colour": "red"})
    assert not (tmp_path / "out").exists()
