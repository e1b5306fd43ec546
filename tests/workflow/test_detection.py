"""Detection of actions in boxes, from generated videos to detections."""

import numpy as np

from pipelines.evaluation.detection_store import average_precisions, read_detections

RUN = "split1/seed0/detections.parquet"
RANDOM = f"results/evaluation/action_smoke/random/{RUN}"
CONTRAST = f"results/evaluation/action_smoke/rgb_contrast/{RUN}"


def test_the_generated_target_runs_to_the_end(workspace):
    work = workspace()

    work.make(RANDOM)

    precisions = average_precisions(read_detections(work.folder / RANDOM))
    # "tremble" is not evaluated.
    assert set(precisions) == {"bounce", "rest", "slide"}
    assert 0 < np.mean(list(precisions.values())) <= 1
    assert work.plan(RANDOM) == []
    # Another evaluation trains nothing anew; another training does.
    limit = {"presets": {"smoke": {"evaluation": {"detection": {"max_labels_per_frame": None}}}}}
    assert [rule for rule, _ in work.plan(RANDOM, overlay=limit)] == ["detect_actions"]
    recipe = {"recipe": {"dropout": 0.1}}
    longer = {"presets": {"smoke": {"evaluation": {"detection": recipe}}}}
    rules = sorted(rule for rule, _ in work.plan(RANDOM, overlay=longer))
    assert rules == ["detect_actions", "finetune_detector"]


def test_a_row_starts_from_the_weights_of_its_recipe(workspace):
    plan = dict(workspace().plan(CONTRAST))

    assert (
        plan["pretrain"]
        == "results/pretraining/smoke/rgb_contrast/demo_smoke.split1/seed0/model.pt"
    )
    assert plan["list_action_boxes"] == "results/data/action_demo_smoke/action_boxes.parquet"


def test_missing_films_stop_before_any_job_with_one_message(workspace):
    answer = workspace().snakemake(f"results/evaluation/ava/modist/{RUN}", "-n")

    assert answer.returncode != 0
    assert "is not there: looked for folder data/" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_tables_of_classes_and_detections_are_not_mixed_up(workspace):
    for file, message in (
        ("evaluation/action_smoke/random/split1/seed0/test.parquet", "no class of whole videos"),
        (f"evaluation/smoke/random/{RUN}", "demo_smoke has no boxes of actions to detect"),
        (f"evaluation/action_smoke/mars/{RUN}", "mars has no weights of its own"),
        (f"evaluation/action_smoke/nothing/{RUN}", "no detector of row 'nothing'"),
    ):
        answer = workspace().snakemake(f"results/{file}", "-n")
        assert answer.returncode != 0
        assert message in answer.stdout
        assert "Traceback" not in answer.stdout
