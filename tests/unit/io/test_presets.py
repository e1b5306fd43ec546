import pytest

from pipelines.io.errors import ConfigError
from pipelines.io.presets import METHODS, layered, overridden, written_out
from pipelines.io.protocols import Protocol

RAW = {
    "paper": {
        "clips": {"num_frames": 16, "stride": 1},
        "training": {"generator": {"rate": 0.1, "length": 9}},
        "pretraining": {"vcop": {"clips": {"stride": 2}}},
        "evaluation": {"finetuning": {"rate": 0.3, "trainable": "all"}, "methods": {}},
    },
    "demo": {"base": "paper", "clips": {"num_frames": 8}},
    "probed": {"base": "demo", "protocol": "probe", "clips": {"stride": 3}},
}
PROBE = Protocol("accuracy", {"finetuning": {"trainable": "linear_probe"}})


def test_a_preset_lies_over_its_base_and_that_over_its_own():
    found = layered(RAW, {}, "demo")

    assert found["clips"] == {"num_frames": 8, "stride": 1}
    assert found["training"] == RAW["paper"]["training"]
    assert "base" not in found


def test_a_protocol_lies_between_a_preset_and_its_base():
    found = layered(RAW, {"probe": PROBE}, "probed")

    assert found["evaluation"]["finetuning"] == {"rate": 0.3, "trainable": "linear_probe"}
    assert found["clips"] == {"num_frames": 8, "stride": 3}


def test_a_circle_of_bases_is_refused():
    with pytest.raises(ConfigError, match="circle a -> b -> a"):
        layered({"a": {"base": "b"}, "b": {"base": "a"}}, {}, "a")


def test_written_out_every_row_is_whole():
    text = layered(RAW, {}, "demo")
    text["evaluation"]["methods"] = {"random": {"rate": 0.9}}

    found = written_out(text)

    assert found["training"]["generator_appearance"] == {"rate": 0.1, "length": 9}
    assert found["pretraining"]["vcop"]["clips"] == {"num_frames": 8, "stride": 2}
    assert found["evaluation"]["clips"] == {"num_frames": 8, "stride": 1}
    assert set(found["evaluation"]["methods"]) == {*METHODS, "vcop"}
    assert found["evaluation"]["methods"]["random"] == {"rate": 0.9, "trainable": "all"}
    assert text["evaluation"]["methods"] == {"random": {"rate": 0.9}}, "the text was changed"


def test_values_laid_over_a_text_reach_the_rows_that_inherit_them():
    text = layered(RAW, {}, "paper")

    found = written_out(overridden(text, {"evaluation.finetuning.rate": 0.7}, "mine"))

    assert found["evaluation"]["methods"]["vcop"]["rate"] == 0.7
    with pytest.raises(ConfigError, match=r"mine sets clips\.num_frame, which no preset has"):
        overridden(text, {"clips.num_frame": 1}, "mine")
