from dataclasses import replace

from pipelines.data.duplicates import Duplicate
from pipelines.data.manifest import ProbedVideo, Problem
from pipelines.data.manifest_report import (
    leak_line,
    render_report,
    shared_group_line,
    untrained_line,
    warning_lines,
)

VIDEO = ProbedVideo(
    "a", "a.avi", "jump", "g1", {"split1": "train"}, 0, 1800.0, 12.0, 24, 32, 12, 9, "1"
)


def test_report_counts_videos_splits_and_problems():
    problems = [Problem(f"m{number}", "list_videos", "missing", "no file") for number in range(7)]
    text = render_report([VIDEO], problems, [])

    assert "1 usable videos, 0.50 hours, 1 classes, 1 recording groups." in text
    assert "| split1 | 1 | 0 | 0 |" in text
    assert "- missing: 7" in text
    assert "`m4`: no file" in text
    assert "`m5`" not in text
    assert "and 2 more" in text
    assert "WARNING" not in text


def test_report_without_problems():
    assert render_report([VIDEO], [], []).endswith("None.\n")


def test_leaking_duplicates_are_prominent():
    duplicates = [
        Duplicate("b", "a", ("split2",)),
        Duplicate("c", "a", ()),
        Duplicate("d", "a", ("split1", "split2")),
    ]

    line = leak_line(duplicates)

    assert line is not None
    assert "2 duplicate files" in line
    assert "(split1, split2)" in line
    assert "First: b is a." in line
    assert f"**{line}**" in render_report([VIDEO], [], duplicates)[:300]


def test_classes_without_a_training_video_are_named():
    tested = [
        replace(VIDEO, video_id=name, label=label, roles={"split1": "test", "split2": role})
        for name, label, role in (
            ("b", "jump", "test"),
            ("c", "run", "test"),
            ("d", "run", "train"),
        )
    ]
    source = replace(VIDEO, video_id="e", label=None, roles={"split1": "unlabelled"})

    line = untrained_line([VIDEO, *tested, source])

    assert line.endswith(": run in split1 (2), jump in split2 (1)")
    assert f"**{line}**" in render_report([VIDEO, *tested], [], [])
    assert untrained_line([VIDEO, tested[0], source]) is None


def test_harmless_duplicates_give_no_line():
    assert leak_line([Duplicate("b", "a", ())]) is None


def test_groups_that_a_split_trains_and_tests_on_are_named():
    videos = [
        replace(VIDEO, video_id=f"{role}{number}", group=f"g{number}", roles={"split1": role})
        for role in ("train", "test")
        for number in range(7)
    ]
    elsewhere = replace(VIDEO, video_id="e", group="g9", roles={"split1": "train", "few": "test"})
    far = replace(VIDEO, video_id="f", group="g9", roles={"split1": "unlabelled", "few": "train"})

    line = shared_group_line([*videos, elsewhere, far])

    assert line.startswith("WARNING: recording groups")
    assert line.endswith(": 1 in few (g9); 7 in split1 (g0, g1, g2, g3, g4 and 2 more)")
    assert f"**{line}**" in render_report([*videos, elsewhere, far], [], [])
    assert warning_lines([*videos, elsewhere, far], []) == [line]


def test_groups_are_shared_within_a_class_alone():
    # As movies of HMDB51, and videos whose recording is not known.
    other = replace(VIDEO, video_id="b", label="run", roles={"split1": "test"})
    trained = replace(VIDEO, video_id="c", label="run", group=None)
    unknown = replace(VIDEO, video_id="d", group=None, roles={"split1": "test"})

    assert shared_group_line([VIDEO, other, trained, unknown]) is None
