"""Detection of actions in boxes, from generated videos to detections."""

import re

import numpy as np

from pipelines.evaluation.detection_store import average_precisions, read_detections
from tests.workflow.workspace import Workspace, copied_code

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


def test_a_rows_change_of_detection_is_made_and_of_labels_is_not(tmp_path):
    code = copied_code(tmp_path / "code")
    table = code / "workflow/tables/modist_table5.yaml"
    common = "    method: random\n    printed: Rand Init\n    changes:"
    rows = {
        "random": "    method: random\n    printed: Rand Init",
        "one_label": f"{common} {{evaluation.detection.max_labels_per_frame: 1}}",
        "few": f"{common} {{evaluation.labels.fraction: 0.5}}",
    }
    head = table.read_text().partition("rows:")[0]
    table.write_text(head + "rows:\n" + "".join(f"  - name: {n}\n{r}\n" for n, r in rows.items()))
    work = Workspace.create(tmp_path / "work", {}, code)

    answer = work.snakemake("results/action_smoke_modist_table5.csv", "-n", "-p")

    assert answer.returncode == 0, answer.stdout
    paths = re.findall(r"--out (\S+detections\.parquet)", answer.stdout)
    own, derived = sorted({path.split("/")[2] for path in paths}, key=len)
    assert own == "action_smoke"
    assert derived.startswith("action_smoke-")
    commands = re.findall(r"detect_actions --config \S+", answer.stdout)
    assert sum('"max_labels_per_frame":1,' in command for command in commands) == 1
    table_command = re.search(r"build_table --config .*", answer.stdout)[0]
    assert table_command.count('"max_labels_per_frame":1,') == 1
