from dataclasses import replace

import pytest

from pipelines.data.listing import (
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    repeated,
    unlisted,
)
from pipelines.data.manifest import Video
from pipelines.data.video_files import VideoFile

ENTRY = Entry("a", "a.avi", "jump", "g1", {"split1": "train"}, "a.avi")


def kinds(listing):
    return [(problem.video_id, problem.kind) for problem in listing.problems]


def test_mentions_of_one_video_are_merged():
    listing = merge_entries([ENTRY, replace(ENTRY, roles={"split2": "test"}), ENTRY])

    assert listing.videos == [
        Video("a", "a.avi", "jump", "g1", {"split1": "train", "split2": "test"})
    ]
    assert listing.problems == []


def test_videos_are_sorted_by_id():
    later = replace(ENTRY, video_id="b", path="b.avi")

    assert [video.video_id for video in merge_entries([later, ENTRY]).videos] == ["a", "b"]


@pytest.mark.parametrize(
    ("other", "detail"),
    [
        ({"label": "run"}, "different values of label: jump, run"),
        ({"group": "g2"}, "different values of group: g1, g2"),
        ({"path": "a.mp4"}, "different values of path: a.avi, a.mp4"),
        ({"roles": {"split1": "test"}}, "different roles in split1: test, train"),
        ({"fault": "stands in folder run"}, "stands in folder run"),
    ],
)
def test_contradicting_mentions_are_mislabelled(other, detail):
    listing = merge_entries([ENTRY, replace(ENTRY, **other)])

    assert listing.videos == []
    assert kinds(listing) == [("a", "mislabelled")]
    assert detail in listing.problems[0].detail


@pytest.mark.parametrize("role", ["train", "test"])
def test_a_label_is_needed_for_training_and_test(role):
    listing = merge_entries([replace(ENTRY, label=None, roles={"s": "unlabelled", "t": role})])

    assert kinds(listing) == [("a", "mislabelled")]
    assert listing.problems[0].detail == "no label, but trained or tested on in t"


@pytest.mark.parametrize("label", [None, "jump"])
def test_unlabelled_videos_keep_the_label_they_have(label):
    listing = merge_entries([replace(ENTRY, label=label, roles={"s": "unlabelled"})])

    assert [video.label for video in listing.videos] == [label]


def test_an_absent_file_is_missing():
    listing = merge_entries([replace(ENTRY, path=None)])

    assert kinds(listing) == [("a", "missing")]
    assert listing.problems[0].detail == "no file a.avi"


def test_a_video_that_no_split_uses_is_left_out():
    assert kinds(merge_entries([replace(ENTRY, roles={})])) == [("a", "unlisted")]


def test_one_file_under_two_labels_is_mislabelled():
    listing = merge_entries([ENTRY, replace(ENTRY, video_id="b", label="run")])

    assert listing.videos == []
    assert kinds(listing) == [("a", "mislabelled"), ("b", "mislabelled")]


def test_what_is_said_of_a_video_in_the_same_words_is_told_once():
    elsewhere = replace(ENTRY, roles={"split2": "test"})

    (problem,) = repeated([ENTRY, elsewhere, replace(ENTRY, video_id="b"), ENTRY, ENTRY])

    assert (problem.video_id, problem.kind, problem.is_harmful) == ("a", "duplicate", False)
    assert "listed 3 times" in problem.detail


def test_files_in_no_annotation_are_unlisted():
    files = [VideoFile("a.avi"), VideoFile("b,c.avi")]
    listing = unlisted(files, Listing([], []), [ENTRY])

    assert kinds(listing) == [("b%2Cc", "unlisted")]


def test_files_whose_names_are_no_text_are_unreadable(tmp_path, monkeypatch):
    files = [VideoFile("a.avi"), VideoFile("bad\udcff.avi")]
    monkeypatch.setattr("pipelines.data.listing.find_video_files", lambda root, medium: iter(files))

    kept, problems = nameable_files(tmp_path)

    assert kept == files[:1]
    assert [(problem.video_id, problem.kind) for problem in problems] == [
        ("bad\\xff", "unreadable")
    ]


def test_videos_whose_parts_are_labelled_need_no_label():
    unnamed = replace(ENTRY, label=None)

    assert [video.label for video in merge_entries([unnamed], needs_labels=False).videos] == [None]
    assert kinds(merge_entries([unnamed])) == [("a", "mislabelled")]
