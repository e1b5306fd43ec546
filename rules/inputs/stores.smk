"""Lists of files, and the shards that clips are read from."""


def listed(paths):
    """A text file with one path per line: commands take lists of any length this way."""
    return written("".join(f"{path}\n" for path in paths), "txt")


def written(text, ending):
    """A file with this text, named by it."""
    target = Path("scratch/lists") / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
        partial.write_text(text)
        partial.replace(target)
    return str(target)


def shards(dataset):
    """Names of a dataset's shards."""
    total = SETTINGS.datasets[dataset]["num_shards"]
    return [f"{number:04d}-of-{total:04d}" for number in range(total)]


def probed_shards(dataset):
    return [f"results/data/{dataset}/probed/shard-{shard}.parquet" for shard in shards(dataset)]


def problem_shards(dataset):
    return [f"results/data/{dataset}/problems/shard-{shard}.parquet" for shard in shards(dataset)]


def frame_shards(preset, *datasets):
    where = f"results/frames/{home(preset, 'frames')}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets for shard in shards(d)]


def frame_indices(preset, *datasets):
    where = f"results/frames/{home(preset, 'frames')}"
    return [f"{where}/{dataset}/index.parquet" for dataset in datasets]


def flow_shards(preset, *datasets):
    where = f"results/motion/flow/{home(preset, 'flow')}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets for shard in shards(d)]


def edge_shards(preset, dataset):
    where = f"results/motion/edges/{home(preset, 'edges')}/{dataset}"
    return [f"{where}/shard-{shard}.h5" for shard in shards(dataset)]


def edge_index(preset, dataset):
    return f"results/motion/edges/{home(preset, 'edges')}/{dataset}/index.parquet"


def sized(preset, clips):
    """The preset that stores the frames which a preset's clips are cut from: mostly itself.

    Args:
        preset: Name of a preset.
        clips: Dotted path of a section of clips in it.
    """
    size = at_path(SETTINGS.presets[preset], clips)["frame_size"]
    if size is None:
        return preset
    kept_by, known = home(preset, "frames"), SETTINGS.variants.known
    if "-" in kept_by and kept_by not in known:
        stop(
            f"presets.{preset}.{clips}.frame_size: found {size} beside a sweep of frames; set it to "
            "null in the sweep's overrides"
        )
    root, changes, protocol = known.get(kept_by, (kept_by, {}, ""))
    return derive_preset(root, {**changes, "frames.size": size}, protocol)


def stores(preset, datasets, modalities, clips="clips"):
    """Frame, flow or edge shards of some datasets, as named inputs, with the frame indices.

    Args:
        preset: Name of a preset.
        datasets: Names.
        modalities: Of rgb, flow and edges.
        clips: Dotted path of the section of clips that are cut from them.
    """
    of_frames = sized(preset, clips)
    found = {"index": frame_indices(of_frames, *datasets)}
    if "rgb" in modalities:
        found["frames"] = frame_shards(of_frames, *datasets)
    if "flow" in modalities:
        found["flow"] = flow_shards(preset, *datasets)
    if "edges" in modalities:
        found["edges"] = [path for dataset in datasets for path in edge_shards(preset, dataset)]
    return found


def store_options(preset, datasets, modalities, clips="clips"):
    """The command-line options that go with `stores`."""
    found = stores(preset, datasets, modalities, clips)
    return " ".join(f"--{name} {listed(paths)}" for name, paths in found.items())
