import csv
import os
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.data.generate_demo import (
    DemoConfig,
    build_parser,
    main,
    read_digest,
    video_digest,
    write_video,
)
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, PipelineError

TINY = (
    '{"num_train_per_class": 1, "num_test_per_class": 0, "num_unlabelled": 2,'
    ' "num_frames": 3, "height": 32, "width": 48, "seed": 4}'
)


def generate(folder: Path, config: str = TINY, threads: str = "1") -> Path:
    out = folder / "videos"
    argv = ["--config", config, "--out", str(out), "--threads", threads]
    main(build_parser().parse_args([*argv, "--annotations", str(folder / "annotations.csv")]))
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*.avi"))}


def test_annotations_name_the_files_and_hide_the_source_labels(tmp_path):
    out = generate(tmp_path)
    with (tmp_path / "annotations.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))

    assert list(rows[0]) == ["video", "label", "group", "split1"]
    assert {row["video"] for row in rows} == set(contents(out))
    assert [row["split1"] for row in rows] == ["train"] * 10 + ["unlabelled"] * 2
    assert {(row["label"], row["group"]) for row in rows[-2:]} == {("", "")}
    assert {row["group"] for row in rows[:-2]} == {"g01"}


def test_files_are_real_videos_with_size_rate_and_content(tmp_path):
    frames = np.zeros((4, 32, 48, 3), np.uint8)
    frames[:, :16] = (200, 30, 60)
    write_video(tmp_path / "v.avi", frames, 25.0, "digest")

    with av.open(str(tmp_path / "v.avi")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("mjpeg", 25.0)
        decoded = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    assert decoded.shape == frames.shape
    # Chroma is stored at half resolution; away from the edge colours are those written.
    np.testing.assert_allclose(decoded[:, 2:12], frames[:, 2:12], atol=4)


def test_same_bytes_from_one_process_or_two(tmp_path):
    alone = contents(generate(tmp_path / "a"))

    assert alone == contents(generate(tmp_path / "b", threads="2"))


def test_finished_videos_are_kept_and_lost_ones_made_again(tmp_path):
    before = contents(generate(tmp_path))
    kept = tmp_path / "videos/unlabelled/u00001.avi"
    os.utime(kept, (1, 1))
    (tmp_path / "videos/unlabelled/u00002.avi").unlink()
    (tmp_path / "videos/rise/rise_g01_c01.avi").write_bytes(b"no video")
    generate(tmp_path)

    assert contents(tmp_path / "videos") == before
    assert kept.stat().st_mtime == 1


def test_videos_of_other_settings_are_made_anew(tmp_path):
    before = contents(generate(tmp_path))
    after = contents(generate(tmp_path, TINY.replace('"seed": 4', '"seed": 5')))

    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_digest_ignores_the_numbers_of_videos_only():
    base = DemoConfig()

    assert video_digest(base) == video_digest(DemoConfig(num_unlabelled=7))
    assert video_digest(base) != video_digest(DemoConfig(num_frames=49))
    assert read_digest(Path("absent.avi")) is None


@pytest.mark.parametrize("wrong", ['"num_frames": 1', '"sprites": 2', '"fps": "25"'])
def test_refuses_unknown_keys_and_values(wrong):
    with pytest.raises(ConfigError):
        decode_config(f"{{{wrong}}}", DemoConfig)


def test_names_the_wrong_difficulty(tmp_path):
    text = '{"difficulty": {"distractor_probabilities": [0.5]}}'
    with pytest.raises(ConfigError, match="distractor_probabilities"):
        generate(tmp_path, text)


def test_no_annotations_without_videos(tmp_path):
    (tmp_path / "videos").write_text("a file where the folder should be")

    with pytest.raises((PipelineError, OSError)):
        generate(tmp_path)
    assert not (tmp_path / "annotations.csv").exists()
