"""A dataset's number of shards against the shards that a working directory already holds."""

import re
from pathlib import Path

from pipelines.io.errors import ConfigError

_SHARD = re.compile(r"shard-\d{4}-of-(\d{4})\.\w+")


def other_shard_counts(dataset: str, num_shards: int, results: Path) -> list[int]:
    """Numbers of shards, other than the present one, in which a dataset was probed before."""
    folder = results / "data" / dataset / "probed"
    if not folder.is_dir():
        return []
    matches = (_SHARD.fullmatch(path.name) for path in folder.iterdir())
    counts = {int(match[1]) for match in matches if match}
    # Where shards of the present number are there as well, the change was made on purpose.
    return [] if num_shards in counts else sorted(counts)


def check_shard_count(dataset: str, num_shards: int, results: Path) -> None:
    """Explain a changed number of shards before it makes everything of a dataset anew.

    Args:
        dataset: Name in `datasets`.
        num_shards: Its number there.
        results: The folder that holds all results.

    Raises:
        ConfigError: With both numbers, what is at stake and both ways to go on.
    """
    found = other_shard_counts(dataset, num_shards, results)
    if not found:
        return
    old = ", ".join(map(str, found))
    probed = results / "data" / dataset / "probed"
    stale = sorted(results.rglob(f"{dataset}/shard-*-of-{found[-1]:04d}.h5"))
    size = sum(path.stat().st_size for path in stale) / 1e9
    raise ConfigError(
        f"datasets.{dataset}.num_shards is {num_shards}, but {probed} holds shards of {old}. "
        f"A video's shard depends on the number, so everything made of {dataset} would be made "
        f"anew ({len(stale)} shard files, {size:.2f} GB, and all that was trained on them). To "
        f"keep it, set num_shards back to {old}. To make it anew, remove {probed} and run the same "
        "command again; the old shard files stay until you remove them"
    )
