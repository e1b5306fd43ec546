"""Where trained networks stand, and which network a row starts from."""


def generator_model(preset, generator):
    _, modality, _ = parts_of(generator)
    where = home(preset, f"generator.{modality}")
    return f"results/training/generator/{where}/{generator}/model.pt"


def initial_model(target, method, split, seed):
    """The weights that a row's fine-tuning starts from; None for random initialisation."""
    preset = SETTINGS.targets[target]["preset"]
    source = source_of(target, split)
    if method in ("motionfit", "appearance"):
        modality = "flow" if method == "motionfit" else "rgb"
        where = home(preset, f"self_training.{modality}")
        generator = generator_of(target, split, seed, modality)
        return f"results/training/self_training/{where}/{generator}/{source}/model.pt"
    if method == "mers":
        where = home(preset, "distillation")
        generator = generator_of(target, split, seed, "flow")
        return f"results/training/distillation/{where}/{generator}/{source}/model.pt"
    if method == "supervised":
        where = home(preset, "supervised")
        return f"results/training/supervised/{where}/{source}/seed{seed}/model.pt"
    chosen = SETTINGS.presets[preset]
    if method in chosen["pretraining"] or method in chosen["weights"]:
        return pretrained_model(preset, method, source, seed)
    return None


def pretrained_model(preset, recipe, source, seed):
    """Model of a recipe, trained on a source with a seed, or of published weights."""
    where = pretraining_home(preset, recipe)
    if recipe in SETTINGS.presets[preset]["weights"]:
        return f"results/pretraining/weights/{where}/{recipe}.pt"
    return f"results/pretraining/{where}/{recipe}/{source}/seed{seed}/model.pt"


def unavailable(target, method):
    """Why a row cannot be measured, or None."""
    if method == "supervised":
        for dataset in source_datasets(target):
            if not has_labels(dataset, SETTINGS.datasets[dataset]):
                return f"source {dataset} has no labels"
    if not learns_from_images(target, method):
        for dataset in source_datasets(target):
            if medium_of(dataset, SETTINGS.datasets[dataset]).min_frames == 1:
                return f"source {dataset} holds single images"
    return None


def learns_from_images(target, method):
    """Whether a row needs no real motion of its source."""
    preset = SETTINGS.presets[SETTINGS.targets[target]["preset"]]
    if method in preset["pretraining"]:
        return preset["pretraining"][method]["objective"] == "mosi"
    # These take no clips of the source.
    return method in ("random", "mars") or method in preset["weights"]


def check_flow_clips(preset, place, modalities):
    """Stop before any job where clips with flow would be resized, which would change the flow."""
    clips = at_path(SETTINGS.presets[preset], place)
    if clips["crop_scales"] and "flow" in modalities:
        stop(
            f"presets.{preset}.{place}.crop_scales: found {clips['crop_scales']}, expected [] where "
            "clips are of flow: resizing would change it; set [] or leave out what reads flow: rows "
            "generator, motionfit, mers and mars, recipes with flow in `reads`"
        )
    if clips["frame_size"] and "flow" in modalities:
        stop(
            f"presets.{preset}.{place}.frame_size: found {clips['frame_size']}, expected null where "
            "clips are of flow, too, which has the size of frames.size; set null or leave out what "
            "reads both: row mars, recipes with flow in `reads`"
        )


def training_config(preset, recipe, modality, clips="clips", **more):
    """Config of one training command: what it sees, its network and its recipe."""
    chosen = SETTINGS.presets[preset]
    network = {"flow": "motion", "rgb": "appearance"}[modality]
    own = {name: value for name, value in at_path(chosen, recipe).items() if name != "clips"}
    return canonical(
        {
            "clips": as_given(at_path(chosen, clips)),
            "validation": chosen["validation"],
            "backbone": chosen["backbones"][network],
            "recipe": own,
            **more,
        }
    )
