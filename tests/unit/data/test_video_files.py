import errno
import os

import pytest

from pipelines.data.video_files import (
    IMAGES,
    FileIndex,
    VideoFile,
    choose_in_class_folder,
    find_video_files,
)
from pipelines.io.errors import DatasetError

CLASSES = ["Jump", "air drumming"]


def touch(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_finds_images_where_images_are_asked_for(tmp_path):
    for name in ("b.JPEG", "a.png", "c.avi", "notes.txt"):
        touch(tmp_path / name)

    assert [file.path for file in find_video_files(tmp_path, IMAGES)] == ["a.png", "b.JPEG"]


def test_finds_video_files_in_a_stable_order(tmp_path):
    touch(tmp_path / "b" / "z.MP4")
    touch(tmp_path / "a" / "y.avi")
    touch(tmp_path / "x.mkv")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / ".partial-1-x.avi")
    (tmp_path / "folder.avi").mkdir()

    assert list(find_video_files(tmp_path)) == [
        VideoFile("x.mkv"),
        VideoFile("a/y.avi"),
        VideoFile("b/z.MP4"),
    ]


def test_follows_links_to_folders_once(tmp_path):
    touch(tmp_path / "elsewhere" / "x.avi")
    touch(tmp_path / "root" / "y.avi")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(tmp_path / "root")

    assert [file.path for file in find_video_files(tmp_path / "root")] == ["y.avi", "linked/x.avi"]


def test_links_that_lead_to_nothing_are_told_apart(tmp_path):
    touch(tmp_path / "a.avi")
    (tmp_path / "b.avi").symlink_to(tmp_path / "a.avi")
    (tmp_path / "c.avi").symlink_to(tmp_path / "nowhere.avi")
    (tmp_path / "d.avi").symlink_to("d.avi")
    (tmp_path / "e").symlink_to("e")

    found = {file.path: file.is_there for file in find_video_files(tmp_path)}
    assert found == {"a.avi": True, "b.avi": True, "c.avi": False, "d.avi": False}


def test_names_that_are_no_text_are_told_apart(tmp_path):
    name = os.fsdecode(b"bad\xff.avi")
    try:
        touch(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    touch(tmp_path / "gööd.avi")

    found = {file.path: file.is_nameable for file in find_video_files(tmp_path)}
    assert found == {name: False, "gööd.avi": True}


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    touch(tmp_path / "locked/a.mp4")
    scan = os.scandir

    def denied(folder):
        if folder.endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", denied)

    with pytest.raises(DatasetError, match="locked: permission denied; make it readable"):
        list(find_video_files(tmp_path))


def test_index_looks_up_names_and_stems():
    index = FileIndex(["b/x.avi", "a/x.avi", "x.mp4"])

    assert index.named("x.avi") == ["a/x.avi", "b/x.avi"]
    assert index.with_stem("x") == ["a/x.avi", "b/x.avi", "x.mp4"]
    assert index.named("y.avi") == []


@pytest.mark.parametrize(
    ("candidates", "label", "path"),
    [
        (["UCF-101/Jump/x.avi", "flat/x.avi"], "Jump", "UCF-101/Jump/x.avi"),
        (["x.avi"], "Jump", "x.avi"),
        (["air_drumming/x.avi"], "air drumming", "air_drumming/x.avi"),
        (["Jump/x.avi", "other/x.avi"], "air drumming", "other/x.avi"),
        ([], "Jump", None),
    ],
)
def test_chooses_the_file_in_its_class_folder(candidates, label, path):
    assert choose_in_class_folder(candidates, label, CLASSES) == (path, None)


def test_a_file_in_another_class_folder_is_a_fault():
    path, fault = choose_in_class_folder(["Jump/x.avi"], "air drumming", CLASSES)

    assert path == "Jump/x.avi"
    assert fault == "listed as air drumming but the file stands in folder Jump"
