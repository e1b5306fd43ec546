from dataclasses import replace

from pipelines.data.duplicates import Duplicate
from pipelines.data.manifest import ProbedVideo, Problem
from pipelines.data.manifest_report import leak_line, render_report, untrained_line

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
