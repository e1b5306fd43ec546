"""What each stage depends on, and under which preset's name its artifacts are kept for that."""

FRAMES = ("frames",)
FLOW = (*FRAMES, "motion.flow", Where("motion.raft", "motion.flow.source", "raft"))
EDGES = (
    *FRAMES,
    "motion.edges",
    Where("motion.raft", "motion.edges.flow", "raft"),
    Where("motion.flow.tvl1", "motion.edges.flow", "tvl1"),
)
COMMON = ("clips", "validation")
GENERATOR = {
    "flow": (*FLOW, *COMMON, "backbones.motion", "training.generator"),
    "rgb": (*FRAMES, *COMMON, "backbones.appearance", "training.generator_appearance"),
}
SECTIONS = {
    "frames": FRAMES,
    "flow": FLOW,
    "edges": EDGES,
    "people": ("trajectories.max_height_px", "trajectories.people"),
    "tracks": ("trajectories",),
}
for modality, sections in GENERATOR.items():
    features = (*sections, "clustering.features")
    clusters = (*features, "clustering.units", "clustering.kmeans")
    SECTIONS[f"generator.{modality}"] = sections
    SECTIONS[f"features.{modality}"] = features
    SECTIONS[f"clusters.{modality}"] = clusters
    SECTIONS[f"self_training.{modality}"] = (
        *clusters,
        "backbones.appearance",
        "training.self_training",
    )
SECTIONS["sample"] = (
    "trajectories",
    "encoding.seed",
    "encoding.descriptors",
    "encoding.sample",
)
SECTIONS["encoder"] = (*SECTIONS["sample"], "encoding.pca", "encoding.gmm")
SECTIONS["vectors"] = (*SECTIONS["encoder"], "encoding.fisher", "encoding.sketch")
SECTIONS["vector_clusters"] = (*SECTIONS["vectors"], "clustering.vectors")
SECTIONS["distillation"] = (
    *GENERATOR["flow"],
    "backbones.appearance",
    "training.distillation",
)
SECTIONS["supervised"] = (*FRAMES, *COMMON, "backbones.appearance", "training.supervised")
READS = {"rgb": FRAMES, "flow": FLOW, "edges": EDGES}


def pretraining_sections(preset, recipe):
    """All that a pretraining recipe depends on, that of its initial weights included."""
    chosen = SETTINGS.presets[preset]["pretraining"][recipe]
    found = ["validation", "backbones.appearance", f"pretraining.{recipe}"]
    for store in chosen["reads"]:
        found += READS[store]
    if chosen.get("neighbour_score"):
        found += READS["rgb"]
    if chosen["prior"]:
        found += SECTIONS["vector_clusters"]
    if chosen["initial"]:
        found += initial_sections(preset, chosen["initial"])
    return tuple(dict.fromkeys(found))


def initial_sections(preset, name):
    """All that a recipe or published weights depend on."""
    if name in SETTINGS.presets[preset]["weights"]:
        return ("backbones.appearance", f"weights.{name}")
    return pretraining_sections(preset, name)


def initial_recipe(preset, modality):
    """Pretraining recipe or weights that a pseudo-label generator starts from, or None."""
    if modality != "rgb":
        return None
    return SETTINGS.presets[preset]["training"]["generator_appearance"].get("initial")


def sections_of(preset, stage):
    """All that a stage depends on, that of the generator's initial weights included."""
    recipe = initial_recipe(preset, stage.rpartition(".")[2])
    more = initial_sections(preset, recipe) if recipe else ()
    return tuple(dict.fromkeys((*SECTIONS[stage], *more)))


def home(preset, stage):
    """Preset under whose name the stage's artifacts are kept."""
    return kept(SETTINGS.home(preset, {stage: sections_of(preset, stage)}, stage))


def pretraining_home(preset, recipe):
    """Preset under whose name the model of a recipe or of published weights is kept."""
    return kept(SETTINGS.home(preset, {recipe: initial_sections(preset, recipe)}, recipe))


def section(preset, *paths, **more):
    """Canonical JSON of some sections of a preset, keyed by their last name."""
    chosen = {path.rsplit(".", 1)[-1]: at_path(SETTINGS.presets[preset], path) for path in paths}
    return canonical(as_given(chosen) | more)
