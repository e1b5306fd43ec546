import json

import av
import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, read_problems, write_probed
from pipelines.trajectories import track_trajectories
from pipelines.trajectories.boxes_store import write_boxes
from pipelines.trajectories.track_store import read_tracks
from pipelines.trajectories.tracks import INFO_COLUMNS
from tests.unit.trajectories.conftest import moving_patch


def probed(name):
    return ProbedFile(name, f"{name}.avi", 0, 1.0, 12.0, 96, 128, 20, 1, "0" * 64)


def write(path, frames, times=None, pix_fmt="yuv420p", rotation=0):
    with av.open(str(path), "w", format="mp4" if times or rotation else "avi") as container:
        stream = container.add_stream("mpeg4" if pix_fmt == "yuv420p" else "ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if rotation:
            stream.set_display_rotation(rotation)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def run(folder, names, max_height_px=None):
    write_probed(folder / "probed.parquet", [probed(name) for name in names], {})
    write_boxes(folder / "boxes.parquet", [], {})
    config = {"tracks": {}, "max_height_px": max_height_px}
    options = {
        "config": json.dumps(config),
        "root": folder,
        "videos": folder / "probed.parquet",
        "boxes": folder / "boxes.parquet",
        "out": folder / "tracks.h5",
        "skipped": folder / "skipped.parquet",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    track_trajectories.main(track_trajectories.build_parser().parse_args(arguments))
    problems = read_problems(folder / "skipped.parquet", "track_trajectories")
    tracks = {name: batch.info for name, batch in read_tracks(folder / "tracks.h5")}
    return tracks, {problem.video_id: problem.kind for problem in problems}


def test_odd_videos_work_or_are_refused_by_name(tmp_path):
    moving = moving_patch(18)
    still = [moving[0]] * 18
    times = np.cumsum([1 + number % 3 for number in range(18)]).tolist()
    write(tmp_path / "good.avi", moving)
    write(tmp_path / "grey.avi", moving, pix_fmt="gray")
    write(tmp_path / "variable.avi", moving, times)
    write(tmp_path / "odd.avi", [frame[:79, :95].copy() for frame in moving], pix_fmt="bgr0")
    write(tmp_path / "black.avi", [np.zeros_like(moving[0])] * 18)
    write(tmp_path / "static.avi", still, pix_fmt="gray")
    write(tmp_path / "one.avi", moving[:1])
    write(tmp_path / "short.avi", moving[:15])
    write(tmp_path / "tiny.avi", [frame[:8, :8].copy() for frame in moving])
    (tmp_path / "bytes.avi").write_bytes(b"")
    names = sorted(path.stem for path in tmp_path.glob("*.avi"))

    tracks, skipped = run(tmp_path, names)

    assert skipped == {
        "one": "one-frame",
        "short": "short",
        "tiny": "small",
        "bytes": "empty",
    }
    moved = {name for name, info in tracks.items() if len(info)}
    assert moved == {"good", "grey", "variable", "odd"}
    assert len(tracks["black"]) == len(tracks["static"]) == 0


def test_high_videos_are_shrunk(tmp_path):
    write(tmp_path / "good.avi", moving_patch(18, (160, 192), (4, 0), 80))

    tracks, skipped = run(tmp_path, ["good"], max_height_px=80)
    full, _ = run(tmp_path, ["good"])

    assert skipped == {}
    assert 0 < len(tracks["good"]) < len(full["good"])


def test_files_that_are_not_what_they_claim_work_or_are_refused_by_name(tmp_path):
    moving = moving_patch(18)
    write(tmp_path / "good.avi", moving)
    content = (tmp_path / "good.avi").read_bytes()
    (tmp_path / "grün 観.avi").write_bytes(content)
    write(tmp_path / "good.mp4", moving, times=list(range(18)))
    (tmp_path / "good.mp4").rename(tmp_path / "mp4.avi")
    write(tmp_path / "two.avi", moving[:2])
    (tmp_path / "text.avi").write_text("video, label, group\n" * 99)
    (tmp_path / "cut.avi").write_bytes(content[: content.index(b"movi") + len(content) // 3])
    # Where an AVI's stream header counts its frames.
    promise = content.index(b"strh") + 40
    assert content[promise : promise + 4] == (18).to_bytes(4, "little")
    more = content[:promise] + (60).to_bytes(4, "little") + content[promise + 4 :]
    (tmp_path / "promise.avi").write_bytes(more)
    write_sound(tmp_path / "sound.avi")
    names = sorted(path.stem for path in tmp_path.glob("*.avi"))

    tracks, skipped = run(tmp_path, names)

    assert skipped == {
        "two": "short",
        "text": "unreadable",
        "cut": "truncated",
        "promise": "truncated",
        "sound": "unreadable",
    }
    assert set(tracks) == {"good", "grün 観", "mp4"}
    assert np.array_equal(tracks["grün 観"], tracks["good"])
    assert np.array_equal(tracks["mp4"], tracks["good"])


def write_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_portrait_videos_are_tracked_as_displayed(tmp_path):
    # 96 px high and 64 wide; the square falls. Stored lying on its side, as phones do.
    upright = moving_patch(18, (96, 64), (0, 2), 40)
    write(tmp_path / "upright.avi", upright)
    write(tmp_path / "turned.mp4", [np.rot90(f, -1).copy() for f in upright], rotation=90)
    (tmp_path / "turned.mp4").rename(tmp_path / "turned.avi")

    tracks, skipped = run(tmp_path, ["upright", "turned"])

    assert skipped == {}
    columns = [INFO_COLUMNS.index(name) for name in ("mean_x", "mean_y", "std_x", "std_y")]
    found, expected = (tracks[name][:, columns] for name in ("turned", "upright"))
    # Blocks of the codec lie elsewhere in a turned picture.
    assert len(found) == pytest.approx(len(expected), rel=0.1)
    # Not the median: tracks start in columns of a grid, and it may jump to the next one.
    mean = found.mean(axis=0)
    assert np.abs(mean - expected.mean(axis=0)).max() < 1
    assert mean[3] > 5 * mean[2]


def test_4k_is_tracked_at_the_height_limit(tmp_path):
    small = moving_patch(16, (72, 128), (2, 0), 40)
    luma = [frame[..., 0].repeat(30, axis=0).repeat(30, axis=1) for frame in small]
    chroma = np.full((1080, 3840), 128, np.uint8)
    with av.open(str(tmp_path / "large.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 2160, 3840, "yuv420p"
        for plane in luma:
            pixels = np.concatenate([plane, chroma])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="yuv420p")))
        container.mux(stream.encode())

    tracks, skipped = run(tmp_path, ["large"], max_height_px=72)

    assert skipped == {}
    lengths = tracks["large"][:, INFO_COLUMNS.index("length")]
    # 15 steps of 2 px of the shrunk frames.
    assert 25 < np.median(lengths) < 31
