import errno
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.frames.decoding import VideoReader, decode_video, short_side_size
from pipelines.io.errors import UnreadableVideoError


def write_colours(path: Path, rotation: int = 0) -> Path:
    """Four frames: left half red, right half blue, 48 x 64 px, declared as turned."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32, 0] = 255
    picture[:, 32:, 2] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_are_rgb_of_the_asked_size(tmp_path):
    video = decode_video(write_colours(tmp_path / "a.mp4"), (24, 40))

    assert video.frames.shape == (4, 24, 40, 3)
    assert video.frames.dtype == np.uint8
    assert video.fps == 10
    np.testing.assert_allclose(video.frames[2, 12, 5], [255, 0, 0], atol=12)
    np.testing.assert_allclose(video.frames[2, 12, 35], [0, 0, 255], atol=12)


@pytest.mark.parametrize(("rotation", "red_row"), [(90, -3), (-90, 2)])
def test_declared_rotation_is_applied(tmp_path, rotation, red_row):
    # Turned by 90 degrees against the clock, the left edge comes to the bottom.
    frames = decode_video(write_colours(tmp_path / "a.mp4", rotation), (30, 20)).frames

    assert frames.shape == (4, 30, 20, 3)
    np.testing.assert_allclose(frames[1, red_row, 10], [255, 0, 0], atol=12)


@pytest.mark.parametrize(
    ("target_fps", "step"), [(None, 1), (12, 1), (60, 1), (6, 2), (5, 2), (4, 3), (1, 12)]
)
def test_thinning_keeps_every_rounded_step(tmp_path, make_video, target_fps, step):
    path = make_video(tmp_path / "a.avi", num_frames=26, fps=12)

    kept = decode_video(path, (24, 32), target_fps)

    everything = decode_video(path, (24, 32)).frames
    np.testing.assert_array_equal(kept.frames, everything[::step])
    assert kept.fps == 12 / step
    assert kept.num_decoded == 26


def test_max_frames_stops_decoding_early(tmp_path, make_video):
    video = decode_video(make_video(tmp_path / "a.avi", num_frames=30), (24, 32), None, 5)

    assert len(video.frames) == 5
    assert video.num_decoded == 5


@pytest.mark.parametrize("content", [b"", b"no video at all" * 50])
def test_files_that_are_no_video_are_refused(tmp_path, content):
    path = tmp_path / "a.avi"
    path.write_bytes(content)

    with pytest.raises(UnreadableVideoError) as caught:
        decode_video(path, (24, 32))

    assert caught.value.kind == ("unreadable" if content else "empty")
    assert "a.avi" in caught.value.detail


def test_a_file_in_a_folder_that_may_not_be_entered_is_unreadable(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)

    with pytest.raises(UnreadableVideoError, match="unreadable") as caught:
        decode_video(tmp_path / "a.avi", (24, 32))
    assert str(tmp_path / "a.avi") in caught.value.detail


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableVideoError) as caught:
        VideoReader(tmp_path / "none.avi", (24, 32))

    assert caught.value.kind == "missing"


@pytest.mark.parametrize(("share", "is_cut"), [(0.5, True), (0.99, False)])
def test_cut_file_is_truncated_below_nine_tenths(tmp_path, make_video, share, is_cut):
    path = make_video(tmp_path / "a.avi", num_frames=60, size=(48, 64))
    content = path.read_bytes()
    start, end = content.index(b"movi"), content.rindex(b"idx1")
    path.write_bytes(content[: int(start + share * (end - start))])

    if not is_cut:
        assert len(decode_video(path, (24, 32)).frames) >= 54
        return
    with pytest.raises(UnreadableVideoError) as caught:
        decode_video(path, (24, 32))
    assert caught.value.kind == "truncated"
    assert "of 60 frames" in caught.value.detail


def test_garbage_inside_a_video_does_not_end_it(tmp_path, make_video):
    path = make_video(tmp_path / "a.avi", num_frames=60, size=(48, 64))
    content = bytearray(path.read_bytes())
    middle = (content.index(b"movi") + content.rindex(b"idx1")) // 2
    content[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(content)

    assert len(decode_video(path, (24, 32)).frames) >= 54


@pytest.mark.parametrize(("num_frames", "target_fps"), [(1, None), (3, 1)])
def test_a_single_kept_frame_is_refused(tmp_path, make_video, num_frames, target_fps):
    path = make_video(tmp_path / "a.avi", num_frames=num_frames)

    with pytest.raises(UnreadableVideoError) as caught:
        decode_video(path, (24, 32), target_fps)

    assert caught.value.kind == "one-frame"


def test_a_single_frame_is_taken_where_it_is_enough(tmp_path, make_video):
    path = make_video(tmp_path / "a.avi", num_frames=1)

    with VideoReader(path, (24, 32), min_frames=1) as reader:
        assert len(list(reader)) == 1


@pytest.mark.parametrize("limits", [{"target_fps": 0}, {"max_frames": 1}])
def test_senseless_limits_are_refused(tmp_path, make_video, limits):
    path = make_video(tmp_path / "a.avi")

    with pytest.raises(ValueError, match=next(iter(limits))):
        VideoReader(path, (24, 32), **limits)


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [((24, 32), 12, (12, 16)), ((48, 32), 24, (36, 24)), ((24, 32), 48, (48, 64))],
)
def test_a_shorter_side_keeps_the_aspect_ratio(tmp_path, make_video, size, short_side, expected):
    path = make_video(tmp_path / "a.avi", size=size)

    with VideoReader(path, short_side) as reader:
        frames = np.stack(list(reader))

    assert frames.shape[1:3] == expected
    np.testing.assert_array_equal(frames, decode_video(path, expected).frames)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((240, 320), (256, 341)), ((320, 240), (341, 256)), ((9, 9), (256, 256))],
)
def test_short_side_size_rounds_the_longer_side(shape, expected):
    assert short_side_size(*shape, 256) == expected


def test_the_shorter_side_is_that_of_the_turned_frame(tmp_path):
    plain = decode_video(write_colours(tmp_path / "a.mp4"), 12).frames.shape[1:3]
    turned = decode_video(write_colours(tmp_path / "b.mp4", 90), 12).frames.shape[1:3]

    assert min(plain) == 12
    assert turned == plain[::-1] != plain


def test_own_size_is_kept_or_shrunk_in_its_aspect_ratio(tmp_path, make_video):
    path = make_video(tmp_path / "a.avi", 4, (96, 130))

    for limit, expected in ((None, (96, 130)), (200, (96, 130)), (48, (48, 65))):
        with VideoReader(path, None, max_height_px=limit) as reader:
            assert {frame.shape for frame in reader} == {(*expected, 3)}
            assert reader.own_size == (96, 130)
