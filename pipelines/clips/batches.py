"""Which samples form a training batch, and the loaders that deliver them.

The batch of step k depends on the seed and k alone, so that a resumed run sees exactly the
batches that an uninterrupted one would have seen.
"""

import functools
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from pipelines.clips.clip_dataset import ClipDataset, Item, SampleKey
from pipelines.clips.sampling import IntArray

WHOLE = slice(None)


class StepBatchSampler(Sampler[list[SampleKey]]):
    """Batches by step: seeded permutations of all videos, one after the other.

    No batch is short: one that reaches the end of a permutation goes on in the next. Every
    `num_videos` consecutive samples from a multiple of `num_videos` on hold each video once.

    Args:
        num_videos: Videos to draw from.
        batch_size: Videos per batch.
        seed: Of the permutations and of the samples' own seeds.
        first_step: Step to begin with; the number of steps done when a run resumes.
        num_steps: Steps of the whole run; the last one is ``num_steps - 1``.
        part: Which of each batch's samples are yielded: one process's, in training by several.

    Raises:
        ValueError: If there are no videos, no batch size, or `first_step` is out of range.
    """

    def __init__(
        self,
        num_videos: int,
        batch_size: int,
        seed: int,
        first_step: int,
        num_steps: int,
        part: slice = WHOLE,
    ) -> None:
        """Store the parameters."""
        if num_videos < 1 or batch_size < 1:
            raise ValueError(f"expected videos and a batch size, found {num_videos}, {batch_size}")
        if not 0 <= first_step <= num_steps:
            raise ValueError(f"first_step must be in 0..{num_steps}, found {first_step}")
        self._num_videos, self._batch_size, self._seed = num_videos, batch_size, seed
        self._first_step, self._num_steps = first_step, num_steps
        self._part = part
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)

    def __len__(self) -> int:
        """Batches left."""
        return self._num_steps - self._first_step

    def __iter__(self) -> Iterator[list[SampleKey]]:
        """Yield the batches from `first_step` on."""
        for step in range(self._first_step, self._num_steps):
            yield self.batch(step)

    def batch(self, step: int) -> list[SampleKey]:
        """The samples of one step."""
        first = step * self._batch_size
        numbers = range(first, first + self._batch_size)[self._part]
        return [self._sample(number) for number in numbers]

    def _sample(self, number: int) -> SampleKey:
        epoch, place = divmod(number, self._num_videos)
        sequence = np.random.SeedSequence([self._seed, number])
        seed = int(sequence.generate_state(1, np.uint64)[0])
        return SampleKey(int(self._permutation(epoch)[place]), seed)

    def _permute(self, epoch: int) -> IntArray:
        return np.random.default_rng([self._seed, epoch]).permutation(self._num_videos)


def collate(items: list[Item] | Item) -> Item:
    """Stack items: tensors gain a leading axis B, ids become a list.

    Args:
        items: Of a dataset, or the batch itself from one that makes whole batches.

    Returns:
        ``rgb`` ``(B, R, 3, T, S, S)``, ``label`` ``(B, R)`` and so on; ``video_id`` B texts.
    """
    batch: Item = items if isinstance(items, dict) else default_collate(items)
    return batch


def build_loader(
    dataset: Dataset[Item],
    sampler: StepBatchSampler,
    num_workers: int,
    seed: int,
    pin_memory: bool = False,
) -> DataLoader[Item]:
    """Loader of training batches.

    Args:
        dataset: Gives an item for a `SampleKey`.
        sampler: The batches.
        num_workers: Loading processes; 0 loads in this process.
        seed: Of the loader's own generator, so that it draws nothing from torch's global one.
        pin_memory: Whether batches stand in memory from which a GPU fetches them while it works.
    """
    _leave_no_threads(num_workers)
    return DataLoader(
        dataset,
        batch_sampler=sampler,
        num_workers=num_workers,
        collate_fn=collate,
        generator=torch.Generator().manual_seed(seed),
        worker_init_fn=_limit_threads,
        persistent_workers=num_workers > 0,
        pin_memory=pin_memory,
    )


def build_ordered_loader(
    dataset: ClipDataset, batch_size: int, num_workers: int
) -> DataLoader[Item]:
    """Loader of all videos once, in order, several at a time; for datasets with fixed clips.

    Args:
        dataset: The clips, `train` off.
        batch_size: Videos at a time; the last batch may be short.
        num_workers: Loading processes; 0 loads in this process.
    """
    _leave_no_threads(num_workers)
    keys = [SampleKey(index, 0) for index in range(len(dataset))]
    return DataLoader(
        dataset,
        batch_sampler=[
            keys[first : first + batch_size] for first in range(0, len(keys), batch_size)
        ],
        num_workers=num_workers,
        collate_fn=collate,
        generator=torch.Generator().manual_seed(0),
        worker_init_fn=_limit_threads,
    )


def build_view_loader(dataset: Dataset[Item], num_workers: int) -> DataLoader[Item]:
    """Loader of one video at a time, in order: ``rgb`` is ``(R, 3, T, S, S)`` and so on."""
    _leave_no_threads(num_workers)
    return DataLoader(
        dataset,
        batch_size=None,
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(0),
        worker_init_fn=_limit_threads,
        persistent_workers=num_workers > 0,
    )


def _leave_no_threads(num_workers: int) -> None:
    """End OpenCV's own threads before loading processes are forked.

    They would not exist there, and the first `cv2.setNumThreads` would wait for them forever.
    """
    if num_workers:
        cv2.setNumThreads(1)


def _limit_threads(worker: int) -> None:
    """One thread per loading process."""
    del worker
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
