import pytest

from pipelines.tables.latex import escaped, latex_table


def test_every_special_character_is_escaped():
    assert escaped("a_b & 5 % # {x} ~ ^ \\ $") == (
        r"a\_b \& 5 \% \# \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )


def test_a_spread_gets_its_sign():
    assert escaped("50.1 +- 2.3") == r"50.1 $\pm$ 2.3"


def test_a_table_is_written_line_by_line():
    text = latex_table(["method", "top-1"], [["video_la", 50.1], ["random", ""]], ["top-1"])

    assert text.splitlines() == [
        r"\begin{tabular}{lr}",
        r"\hline",
        r"method & top-1 \\",
        r"\hline",
        r"video\_la & 50.1 \\",
        r"random &  \\",
        r"\hline",
        r"\end{tabular}",
    ]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="expected 2 cells, found 1"):
        latex_table(["a", "b"], [["only"]])
