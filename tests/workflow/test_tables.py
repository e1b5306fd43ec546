"""Tables that are defined as data: each plans, rows share work, and an edit moves one row."""

import re
from collections import defaultdict

import pytest

from tests.workflow.workspace import REPOSITORY, Workspace, copied_code

TABLES = sorted(path.stem for path in (REPOSITORY / "workflow/tables").glob("*.yaml"))
MOSI = "results/smoke_mosi_table1.csv"
DERIVED_MODEL = re.compile(r"results/pretraining/smoke-[0-9a-f]{8}/mosi/\S+model\.pt")


@pytest.fixture
def edited(tmp_path):
    """Factory `edited(table, old, new)` of a workspace whose code has one table changed."""

    def make(table: str, old: str, new: str) -> Workspace:
        code = copied_code(tmp_path / "code")
        path = code / f"workflow/tables/{table}.yaml"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        return Workspace.create(tmp_path / "work", {}, code)

    return make


def commands(listing: str) -> dict[tuple[str, str], list[str]]:
    """(rule, command without the paths it writes) -> first output of each such job."""
    found = defaultdict(list)
    for block in re.split(r"\n(?=(?:local)?rule \w+:)", listing):
        rule = re.match(r"(?:local)?rule (\w+):", block)
        if not rule:
            continue
        outputs = re.search(r"\n    output: (.*)", block)[1].split(", ")
        command = re.search(r"\nShell command: (.*)", block)[1]
        log = re.search(r"\n    log: (\S+)", block)[1]
        for path in (*sorted(outputs, key=len, reverse=True), log):
            command = command.replace(path, "")
        found[rule[1], command].append(outputs[0])
    return found


def test_every_table_plans_on_a_generated_target_and_pretrains_nothing_twice(workspace):
    answer = workspace().snakemake(*(f"results/smoke_{name}.csv" for name in TABLES), "-n", "-p")

    assert answer.returncode == 0, answer.stdout
    jobs = commands(answer.stdout)
    assert sum(rule == "build_table" for rule, _ in jobs) == len(TABLES)
    twice = {
        tuple(outputs)
        for (rule, _), outputs in jobs.items()
        # Two recipes may be equal in so small a preset; one recipe's model is made once.
        if rule not in ("finetune", "test_model")
        and len({re.sub(r"smoke(-[0-9a-f]{8})?", "", path) for path in outputs}) < len(outputs)
    }
    assert twice == set()


def test_an_edit_of_one_row_moves_that_row_alone(workspace, edited):
    before = set(workspace().plan(MOSI))
    work = edited("mosi_table1", "options.motion.axes: y", "options.motion.granularity: 1")

    after = set(work.plan(MOSI))

    one_row = ["finetune", "pretrain", "test_model"]
    assert sorted(rule for rule, _ in before - after) == one_row
    assert sorted(rule for rule, _ in after - before) == one_row


def test_a_derived_job_is_found_by_its_output_alone(workspace):
    work = workspace()
    planned = [output for rule, output in work.plan(MOSI) if DERIVED_MODEL.fullmatch(output)]

    # As an executor on a cluster asks for it.
    assert len(planned) == 2
    assert work.counts(planned[0])["pretrain"] == 1


def test_rows_with_a_share_of_the_source_have_their_own_encoder_and_share_the_frames(workspace):
    counts = workspace().counts("results/figures/curves/smoke/idt_figure4.png")

    # Two shares and the whole; Kinetics is not there.
    for rule in ("select_source", "fit_encoder", "cluster_vectors", "finetune"):
        assert counts[rule] == 3, rule
    assert counts["pretrain"] == 3 * 3
    assert counts["index_frames"] == counts["draw_table_curves"] == 1


def test_few_labels_are_drawn_several_times_and_all_labels_once(workspace):
    work = workspace()
    counts = work.counts("results/demo_mosi_table3.csv")

    # Of 8 videos of a class 3, 5 or 7 in three draws, and all of them; 9 and more are not there.
    assert counts["finetune"] == counts["test_model"] == 2 * (3 * 3 + 1)
    # MoSI is pretrained once.
    assert counts["pretrain"] == 1
    told = work.snakemake("results/smoke_mosi_table3.csv", "-n", "-p").stdout
    assert "needs 3 training videos of every class, and demo_smoke has 2 of one" in told


def test_a_table_that_is_no_curve_says_which_are(workspace):
    answer = workspace().snakemake("results/figures/curves/smoke/mosi_table1.png", "-n")

    assert answer.returncode != 0
    assert "mosi_table1: its rows are no curves; tables that are: " in answer.stdout
    assert "mosi_figure6" in answer.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: y, method: mosi", "name: y, method: mozi", "row y: method 'mozi'; choices: "),
        ("protocol: mosi_finetuning", "protocol: mosi_tuning", "choices: .*mosi_finetuning"),
        ("motion.axes: y", "motion.axis: y", "row y: .*motion.axis.*no such key"),
    ],
)
def test_a_wrong_row_is_told_the_choices_before_any_job(edited, old, new, message):
    answer = edited("mosi_table1", old, new).snakemake(MOSI, "-n")

    assert answer.returncode != 0
    assert re.search(message, answer.stdout), answer.stdout
    assert "Traceback" not in answer.stdout


def test_a_plan_with_a_preset_of_an_overlay_leaves_plans_without_it_alone(workspace):
    work = workspace()
    before = set(work.plan(MOSI))
    mine = {
        "presets": {"mine": {"base": "smoke", "clips": {"flow_scale_px": 9.0}}},
        "targets": {"smoke": {"preset": "mine"}},
    }

    under_overlay = work.plan(MOSI, overlay=mine)

    assert any("/mine-" in output for _, output in under_overlay)
    assert set(work.plan(MOSI)) == before
