import json

import cv2
import numpy as np
import pytest

from pipelines.data.manifest import read_probed, read_problems
from pipelines.data.planned_lists import ListedFile, encode_list
from pipelines.data.probe_videos import build_parser, main
from pipelines.io.errors import ConfigError, ContractError

NAMES = ("good", "gone", "single", "text", "void")


@pytest.fixture
def root(tmp_path, make_video):
    folder = tmp_path / "root"
    make_video(folder / "clips" / "good.avi")
    make_video(folder / "clips" / "single.avi", num_frames=1)
    (folder / "clips" / "text.avi").write_text("not a video\n" * 50)
    (folder / "clips" / "void.avi").touch()
    return folder


@pytest.fixture
def probe(root, tmp_path):
    """Probe one shard; returns the two tables' paths."""

    def run(names=NAMES, out="out", config=None):
        files = [ListedFile(f"mine/clips/{name}", f"clips/{name}.avi", None) for name in names]
        (tmp_path / "files.json").write_text(encode_list(files))
        paths = [tmp_path / out / name for name in ("probed.parquet", "problems.parquet")]
        options = ["--config", config or json.dumps({"min_frames": 2}), "--root", str(root)]
        options += ["--files", str(tmp_path / "files.json"), "--shard", "0002-of-0003"]
        options += ["--out", str(paths[0]), "--problems", str(paths[1])]
        main(build_parser().parse_args(options))
        return paths

    return run


def test_every_file_is_probed_or_recorded(probe):
    probed, problems = probe()

    assert {item.video_id: (item.stage, item.kind) for item in read_problems(problems, "r")} == {
        "mine/clips/gone": ("probe_videos", "missing"),
        "mine/clips/single": ("probe_videos", "one-frame"),
        "mine/clips/text": ("probe_videos", "unreadable"),
        "mine/clips/void": ("probe_videos", "empty"),
    }
    (file,) = read_probed(probed)
    assert (file.video_id, file.path, file.shard) == ("mine/clips/good", "clips/good.avi", 2)
    assert (file.num_frames, file.height, file.width) == (12, 24, 32)


def test_images_pass_where_one_frame_is_enough(probe, root):
    assert cv2.imwrite(str(root / "x.jpg"), np.zeros((24, 32, 3), np.uint8))
    (root / "x.jpg").rename(root / "clips" / "image.avi")

    tables = probe(["image"], config=json.dumps({"min_frames": 1}))

    [file] = read_probed(tables[0])
    assert file.num_frames == 1
    assert read_problems(tables[1], "r") == []


def test_a_second_run_writes_the_same_bytes(probe):
    first = [path.read_bytes() for path in probe()]

    assert [path.read_bytes() for path in probe(out="again")] == first


def test_an_empty_shard_gives_empty_tables(probe):
    probed, problems = probe([])

    assert read_probed(probed) == []
    assert read_problems(problems, "probe_videos") == []


@pytest.mark.parametrize(
    ("config", "message"),
    [('{"min_frames": 2, "colour": 1}', "colour"), ('{"min_frames": ', "ProbeVideosConfig")],
)
def test_a_wrong_config_is_refused_before_anything_is_written(probe, tmp_path, config, message):
    with pytest.raises(ConfigError, match=message):
        probe(config=config)
    assert not (tmp_path / "out").exists()


def test_a_damaged_list_is_refused(probe, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.unit.data.test_probe_videos.encode_list", lambda files: "[")

    with pytest.raises(ContractError, match="expected a list"):
        probe()
    assert not (tmp_path / "out").exists()
