import copy

import pytest

from pipelines.io.protocols import Protocol, under_protocol

TEXT = {
    "clips": {"num_frames": 16},
    "evaluation": {
        "finetuning": {"trainable": "all", "dropout": 0.5},
        "methods": {"random": {"trainable": "all", "schedule": {"length": 9}}},
        "test": {"num_clips": 10},
    },
}


def judged(**evaluation):
    return under_protocol(TEXT, Protocol("accuracy", evaluation))


def test_what_it_says_of_finetuning_holds_for_rows_that_differ():
    before = copy.deepcopy(TEXT)
    found = judged(finetuning={"trainable": "linear_probe"})["evaluation"]

    assert found["finetuning"] == {"trainable": "linear_probe", "dropout": 0.5}
    assert found["methods"]["random"] == {"trainable": "linear_probe", "schedule": {"length": 9}}
    assert found["test"] == {"num_clips": 10}
    assert before == TEXT


def test_its_own_rows_are_exceptions():
    found = judged(
        finetuning={"trainable": {"freeze": 2}}, methods={"random": {"trainable": "all"}}
    )["evaluation"]

    assert found["finetuning"]["trainable"] == {"freeze": 2}
    assert found["methods"]["random"]["trainable"] == "all"


@pytest.mark.parametrize("evaluation", [{}, {"test": {"num_crops": 3}}])
def test_all_else_stays(evaluation):
    found = judged(**evaluation)

    assert found["clips"] == TEXT["clips"]
    assert found["evaluation"]["test"] == {"num_clips": 10, **evaluation.get("test", {})}
    assert under_protocol({}, Protocol("accuracy", evaluation)) == {
        "evaluation": {"methods": {}, **evaluation}
    }
