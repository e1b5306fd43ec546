import errno
import hashlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from pipelines.data.probing import Probe, probe_file
from pipelines.io.errors import UnreadableVideoError


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_video):
    return make_video(tmp_path_factory.mktemp("probing") / "whole.avi")


@pytest.fixture(scope="module")
def long(tmp_path_factory, make_video):
    """60 frames, so that these and not the header fill the file's second half."""
    return make_video(tmp_path_factory.mktemp("probing") / "long.avi", num_frames=60).read_bytes()


def kind_of(path):
    with pytest.raises(UnreadableVideoError) as failure:
        probe_file(path)
    assert str(path) in failure.value.detail
    return failure.value.kind


def test_a_whole_video(whole):
    content = whole.read_bytes()

    assert probe_file(whole) == Probe(
        duration_seconds=1.0,
        fps=12.0,
        height=24,
        width=32,
        num_frames=12,
        size_bytes=len(content),
        checksum=hashlib.sha256(content).hexdigest(),
    )


def test_frames_are_counted_where_none_are_declared(tmp_path, make_video):
    # Matroska headers declare no number of frames.
    path = make_video(tmp_path / "x.mkv", num_frames=7)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 0

    assert probe_file(path).num_frames == 7


@pytest.mark.parametrize("name", ["x.jpg", "x.JPEG", "x.png", "x.bmp", "x%03d.jpg"])
def test_an_image_is_one_frame_where_one_is_enough(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(
        cv2.imencode(path.suffix.lower(), np.zeros((24, 32, 3), np.uint8))[1].tobytes()
    )

    probe = probe_file(path, min_frames=1)

    assert (probe.num_frames, probe.height, probe.width) == (1, 24, 32)
    assert kind_of(path) == "one-frame"


def test_a_missing_file(tmp_path):
    assert kind_of(tmp_path / "nowhere.avi") == "missing"


def test_a_file_in_a_folder_that_may_not_be_entered(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)

    assert kind_of(tmp_path / "x.avi") == "unreadable"


def test_a_folder_is_no_file(tmp_path):
    assert kind_of(tmp_path) == "missing"


def test_an_empty_file(tmp_path):
    (tmp_path / "x.avi").touch()

    assert kind_of(tmp_path / "x.avi") == "empty"


@pytest.mark.parametrize("content", [b"no video at all\n" * 99, b"\0" * 4096, b"RIFF", b"x"])
def test_files_that_are_no_videos(tmp_path, content):
    path = tmp_path / "x.avi"
    path.write_bytes(content)

    assert kind_of(path) == "unreadable"


@pytest.mark.parametrize("share", [0.6, 0.7, 0.8])
def test_a_file_cut_among_its_frames_is_truncated(tmp_path, long, share):
    path = tmp_path / "x.avi"
    path.write_bytes(long[: int(len(long) * share)])

    assert kind_of(path) == "truncated"


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5])
def test_a_file_cut_in_its_header_is_unreadable(tmp_path, long, share):
    path = tmp_path / "x.avi"
    path.write_bytes(long[: int(len(long) * share)])

    assert kind_of(path) == "unreadable"


def test_a_lost_index_does_not_matter(tmp_path, long):
    path = tmp_path / "x.avi"
    path.write_bytes(long[: int(len(long) * 0.95)])

    assert probe_file(path).num_frames == 60


def test_a_cut_mp4_has_no_index(tmp_path, make_video):
    path = make_video(tmp_path / "x.mp4")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    assert kind_of(path) == "unreadable"


def test_a_video_of_one_frame(tmp_path, make_video):
    assert kind_of(make_video(tmp_path / "x.avi", num_frames=1)) == "one-frame"


def test_a_file_with_sound_only(tmp_path):
    path = tmp_path / "x.avi"
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())

    assert kind_of(path) == "unreadable"


def test_damage_inside_a_frame_is_left_to_the_decoder(tmp_path, long):
    path = tmp_path / "x.avi"
    # 0.56 is inside the first frame, the only large one.
    start = int(len(long) * 0.56)
    path.write_bytes(long[:start] + b"\xff" * 300 + long[start + 300 :])

    assert probe_file(path).num_frames == 60


def test_frames_lost_in_overwritten_places_count_as_truncated(tmp_path, long):
    path = tmp_path / "x.avi"
    start = int(len(long) * 0.7)
    path.write_bytes(long[:start] + b"\xff" * 300 + long[start + 300 :])

    assert kind_of(path) == "truncated"


def test_real_clips(shared_data):
    probe = probe_file(shared_data / "ucf101" / "videos" / "v_Punch_g03_c01.avi")

    assert (probe.height, probe.width) == (240, 320)
    assert probe.num_frames > 30
