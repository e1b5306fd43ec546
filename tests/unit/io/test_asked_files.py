import pytest

from pipelines.io.asked_files import explain

PATTERNS = (
    "results/{target}_table5.csv",
    "results/{target}_{table}.csv",
    "results/training/generator/{preset}/{labels}.seed{seed}/model.pt",
    "results/training/distillation/{preset}/model.pt",
    "results/evaluation/{target}/{role}.parquet",
    "results/evaluation/{target}/model.pt",
    "results/figures/{dataset}/{video}.png",
    "results/figures/curves/{table}.png",
)
NAMES = {"table": ["table1", "mosi_table2"], "page": ["table5", "table1"], "role": ["test"]}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "results/mine_tabel5.csv",
            "no such table; results/TARGET_TABLE.csv has tables table1, table5 "
            "(did you mean 'results/mine_table5.csv'?)",
        ),
        ("results/mine_mosi_tble2.csv", "(did you mean 'results/mine_mosi_table2.csv'?)"),
        ("results/far_away.csv", "has tables table1, table5"),
        ("mine_table5.csv", "neither a rule nor a file of one; results/TARGET_TABLE.csv has"),
        ("mine_table5.csv", "(did you mean 'results/mine_table5.csv'?)"),
        (
            "result/mine_table5.csv",
            "rules make no 'result' in the working folder; choices: results "
            "(did you mean 'results'?)",
        ),
        (
            "results/evaluate/mine/test.parquet",
            "rules make no 'evaluate' in results; choices: evaluation, figures, training "
            "(did you mean 'evaluation'?)",
        ),
        (
            "results/evaluation/mine/tst.parquet",
            "no 'tst.parquet' in results/evaluation/mine; choices: model.pt, test.parquet (did",
        ),
        (
            "results/training/generator/demo/a.sed0/model.pt",
            "no 'a.sed0' in results/training/generator/demo; choices: {labels}.seed{seed}",
        ),
        ("/results/mine_table5.csv", "files are named from the working folder on"),
        # A wildcard takes other characters than these.
        (
            "results/training/generator/demo/A.seed0/model.pt",
            "files there are called results/training/generator/{preset}/{labels}.seed{seed}/model",
        ),
        ("results/training", "files there are called results/training/distillation/{preset}/mod"),
        ("results/evaluation/mine/model.pt/x", "called results/evaluation/{target}/model.pt"),
        ("results/figures/demo/a/b/c.gif", "called results/figures/{dataset}/{video}.png"),
    ],
)
def test_who_asks_for_no_file_of_a_rule_is_told_the_choices(path, message):
    told = explain(path, PATTERNS, NAMES, ["mine", "demo"])

    assert told.startswith(f"{path}: ")
    assert message in told


def test_of_many_files_the_first_are_named():
    many = [f"results/stage/{number}/{{x}}.csv" for number in range(7)]

    told = explain("results/stage", many, NAMES, [])

    assert told.endswith("results/stage/4/{x}.csv and 2 more")
