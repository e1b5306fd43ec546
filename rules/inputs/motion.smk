"""What the rules of `motion` read, and what they depend on."""


def frame_shard(wildcards):
    where = f"results/frames/{home(wildcards.preset, 'frames')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.h5"


def flow_shard(wildcards):
    where = f"results/motion/flow/{home(wildcards.preset, 'flow')}/{wildcards.dataset}"
    return f"{where}/shard-{wildcards.shard}.h5"


def flow_config(wildcards):
    """What computes the flow, with the parameters of that source alone."""
    motion = SETTINGS.presets[wildcards.preset]["motion"]
    flow = dict(motion["flow"])
    if flow["source"] == "raft":
        del flow["tvl1"]
        flow["raft"] = motion["raft"]
    return canonical(flow)


def flow_weights(wildcards):
    """Digest of a local file of RAFT weights, so that another file re-runs what it made."""
    motion = SETTINGS.presets[wildcards.preset]["motion"]
    path = motion["raft"]["weights"]
    return file_digest(path) if motion["flow"]["source"] == "raft" and path else ""


def edges_input(wildcards):
    """Stored frames or, where the maps have a size of their own, the videos behind them."""
    if SETTINGS.presets[wildcards.preset]["motion"]["edges"]["size"] is None:
        return {"frames": frame_shard(wildcards)}
    name = f"shard-{wildcards.shard}.parquet"
    return {"videos": f"results/data/{wildcards.dataset}/probed/{name}"}


def edges_flow(preset):
    """Section of the flow that a preset's motion maps are made of; None where they need none."""
    edges = SETTINGS.presets[preset]["motion"]["edges"]
    if edges["kind"] == "frame-difference":
        return None
    return {"raft": "motion.raft", "tvl1": "motion.flow.tvl1"}[edges["flow"]]


def edges_config(wildcards):
    """What makes the motion maps, with the parameters of their flow alone."""
    paths = ["motion.edges", "frames.target_fps", "frames.max_frames"]
    if flow := edges_flow(wildcards.preset):
        paths.append(flow)
    return section(wildcards.preset, *paths)


def edges_options(wildcards):
    """The command-line options that go with `edges_input`."""
    found = edges_input(wildcards)
    if "videos" in found:
        found["root"] = SETTINGS.datasets[wildcards.dataset]["root"]
    return " ".join(f"--{name} {shlex.quote(path)}" for name, path in found.items())


def edges_weights(wildcards):
    """As `flow_weights`, for the motion maps."""
    path = SETTINGS.presets[wildcards.preset]["motion"]["raft"]["weights"]
    return file_digest(path) if edges_flow(wildcards.preset) == "motion.raft" and path else ""


@functools.cache
def file_digest(path):
    """SHA-256 of a file; "missing" where there is none, which the command explains."""
    if not Path(path).is_file():
        return "missing"
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def skipped_edges(wildcards):
    where = f"results/motion/edges/{home(wildcards.preset, 'edges')}/{wildcards.dataset}/skipped"
    return [f"{where}/shard-{shard}.parquet" for shard in shards(wildcards.dataset)]
