import json

import av
import numpy as np

from pipelines.data.manifest import ProbedVideo, read_problems, write_manifest
from pipelines.trajectories import track_trajectories
from pipelines.trajectories.boxes_store import write_boxes
from pipelines.trajectories.track_store import read_tracks
from tests.unit.trajectories.conftest import moving_patch


def probed(name):
    return ProbedVideo(name, f"{name}.avi", None, None, {}, 0, 1.0, 12.0, 96, 128, 20, 1, "0" * 64)


def write(path, frames, times=None, pix_fmt="yuv420p"):
    with av.open(str(path), "w", format="avi" if times is None else "mp4") as container:
        stream = container.add_stream("mpeg4" if pix_fmt == "yuv420p" else "ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def run(folder, names, max_height_px=None):
    write_manifest(folder / "probed.parquet", [probed(name) for name in names], {})
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
    tracks = {name: len(batch.info) for name, batch in read_tracks(folder / "tracks.h5")}
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
    assert {name for name, count in tracks.items() if count} == {"good", "grey", "variable", "odd"}
    assert tracks["black"] == tracks["static"] == 0


def test_high_videos_are_shrunk(tmp_path):
    write(tmp_path / "good.avi", moving_patch(18, (160, 192), (4, 0), 80))

    tracks, skipped = run(tmp_path, ["good"], max_height_px=80)
    full, _ = run(tmp_path, ["good"])

    assert skipped == {}
    assert 0 < tracks["good"] < full["good"]
