import pytest

from pipelines.io.errors import ContractError
from pipelines.tables import build_summary

HEADER = "method,top1_mean,top1_std,num_splits,num_seeds,published_top1,status,reason\n"


def command(folder):
    arguments = ["--target", "smoke", "--out", str(folder / "out" / "summary.md")]
    for name in ("table5", "leaderboard"):
        arguments += [f"--{name}", str(folder / f"{name}.csv")]
    build_summary.main(build_summary.build_parser().parse_args(arguments))
    return (folder / "out" / "summary.md").read_text()


def test_both_tables_stand_on_the_page(tmp_path):
    (tmp_path / "table5.csv").write_text(f"{HEADER}motionfit,70.0,1.0,1,3,88.9,measured,\n")
    (tmp_path / "leaderboard.csv").write_text(f"{HEADER}video_la,60.0,,1,1,,smoke,few steps\n")

    page = command(tmp_path)

    assert "| motionfit | 70.0 +- 1.0 | 88.9          | 3    | measured |" in page
    assert r"video\_la & 60.0 & 1 & smoke \\" in page


def test_a_missing_or_another_table_is_refused(tmp_path):
    (tmp_path / "leaderboard.csv").write_text("method,top1_mean\nrandom,1\n")

    with pytest.raises(ContractError, match="no column num_seeds, num_splits"):
        command(tmp_path)
    (tmp_path / "leaderboard.csv").unlink()
    with pytest.raises(ContractError, match=r"leaderboard\.csv is missing"):
        command(tmp_path)
