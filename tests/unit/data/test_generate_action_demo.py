import json

import pytest

from pipelines.data import ava_demo
from pipelines.data.generate_action_demo import build_parser, main
from pipelines.data.probing import probe_file
from pipelines.io.errors import ConfigError

TINY = {"num_train": 4, "num_test": 1, "num_seconds": 3, "fps": 4, "height": 32, "width": 48}


def generate(folder, **changes):
    config = json.dumps({**TINY, **changes})
    options = ["--config", config, "--out", str(folder / "root"), "--report", str(folder / "r.md")]
    main(build_parser().parse_args(options))
    return folder / "root"


def options(root):
    return ava_demo.AvaDemoOptions(adapter="ava_demo", root=str(root), num_shards=1)


def test_the_adapter_reads_what_was_generated(tmp_path):
    root = generate(tmp_path)

    listing = ava_demo.list_videos(root, options(root))
    boxes = ava_demo.list_boxes(root, options(root))

    assert listing.problems == []
    assert [video.roles["split1"] for video in listing.videos] == ["train"] * 4 + ["test"]
    assert len(boxes) == 5 * 2 * 2
    assert {box.at_seconds for box in boxes} == {1.0, 2.0}
    assert {box.action for box in boxes} == {"rest", "slide", "bounce", "action 4"}
    assert {box.action for box in boxes if not box.is_evaluated} == {"action 4"}
    probe = probe_file(root / listing.videos[0].path)
    assert (probe.num_frames, probe.fps, probe.height, probe.width) == (12, 4.0, 32, 48)


def test_the_report_counts_boxes(tmp_path):
    generate(tmp_path)

    text = (tmp_path / "r.md").read_text()
    assert "| train | 4 | 16 |" in text
    assert "| val | 1 | 4 | 4 rest |" in text


def test_equal_settings_give_equal_files(tmp_path):
    first, second = (generate(tmp_path / name) for name in "ab")

    for path in sorted(p for p in first.rglob("*") if p.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_unknown_settings_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="num_people"):
        generate(tmp_path, num_people=3)
