import pytest
import torch

from pipelines.io.errors import ContractError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_classifier, load_model, save_model

META = ModelMeta("r2plus1d-tiny", "flow", 3, 0.5, ("run", "walk", "wave"), {"step": "40"})
STAMP = {"module": "pipelines.training.train_generator", "seed": "7"}
RULE = "train_generator"


@pytest.fixture
def classifier():
    return build_classifier("r2plus1d-tiny", 2, 3, 0.5, seed=0)


@pytest.fixture
def saved(tmp_path, classifier):
    path = tmp_path / "model.pt"
    save_model(path, META, classifier.state_dict(), STAMP)
    return path


def rewrite(path, **changes):
    content = torch.load(path, weights_only=True)
    torch.save({**content, **changes}, path)


def test_what_is_saved_is_loaded(saved, classifier):
    stored = load_model(saved, RULE)

    assert (stored.meta, stored.stamp) == (META, STAMP)
    assert stored.state.keys() == classifier.state_dict().keys()
    for name, value in classifier.state_dict().items():
        assert torch.equal(stored.state[name], value), name


def test_a_loaded_classifier_gives_the_same_logits(saved, classifier):
    clips = torch.randn(2, 2, 4, 16, 16, generator=torch.Generator().manual_seed(0))

    loaded, meta = load_classifier(saved, RULE)

    assert meta == META
    assert not loaded.training
    assert torch.equal(loaded(clips), classifier.eval()(clips))


def test_a_backbone_without_a_classifier_is_loaded_again(tmp_path):
    model = build_classifier("r2plus1d-tiny", 2, 0, 0.5, seed=0).eval()
    meta = ModelMeta("r2plus1d-tiny", "flow", 0)
    save_model(tmp_path / "model.pt", meta, model.state_dict(), STAMP)
    clips = torch.randn(2, 2, 4, 16, 16, generator=torch.Generator().manual_seed(0))

    loaded, found = load_classifier(tmp_path / "model.pt", RULE)

    assert found == meta
    assert torch.equal(loaded.features(clips), model.features(clips))


def test_the_same_model_gives_the_same_bytes(tmp_path, saved, classifier):
    again = tmp_path / "elsewhere" / "other-name.pt"

    save_model(again, META, classifier.state_dict(), STAMP)

    assert again.read_bytes() == saved.read_bytes()


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(AttributeError):
        save_model(tmp_path / "model.pt", META, {"fc.weight": "no tensor"}, STAMP)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_names_the_rule(tmp_path):
    with pytest.raises(ContractError, match="rule train_generator makes it"):
        load_model(tmp_path / "model.pt", RULE)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved, kept):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(ContractError, match=r"model\.pt is damaged.*train_generator"):
        load_model(saved, RULE)


def test_a_flipped_bit_in_the_weights_is_noticed(saved, classifier):
    content = bytearray(saved.read_bytes())
    raw = classifier.fc.weight.detach().numpy().tobytes()
    at = content.index(raw) + 5
    content[at] ^= 1
    saved.write_bytes(content)

    with pytest.raises(ContractError, match="damaged"):
        load_model(saved, RULE)


def test_weights_that_do_not_match_the_digest_are_refused(saved):
    state = load_model(saved, RULE).state
    rewrite(saved, state={**state, "fc.bias": state["fc.bias"] + 1})

    with pytest.raises(ContractError, match="digest"):
        load_model(saved, RULE)


@pytest.mark.parametrize("change", [{"version": 0}, {"artifact": "checkpoint"}])
def test_another_kind_or_version_is_refused(saved, change):
    rewrite(saved, **change)

    with pytest.raises(ContractError, match="expected model version 1"):
        load_model(saved, RULE)


def test_foreign_files_are_refused(saved):
    torch.save([1, 2, 3], saved)
    with pytest.raises(ContractError, match="found list"):
        load_model(saved, RULE)
    saved.write_text("no zip at all")
    with pytest.raises(ContractError, match="damaged"):
        load_model(saved, RULE)


def test_code_in_a_file_is_not_run(saved):
    torch.save({"artifact": "model", "version": 1, "state": pytest.raises}, saved)

    with pytest.raises(ContractError, match="damaged"):
        load_model(saved, RULE)
