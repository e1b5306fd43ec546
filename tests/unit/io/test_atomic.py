import errno
import os
import time
from pathlib import Path

import pytest

from pipelines.io.atomic import STALE_SECONDS, atomic_path, explained, write_bytes
from pipelines.io.errors import PipelineError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(final, error=None):
    with atomic_path(final) as partial:
        partial.write_text("new")
        if error is not None:
            raise error


def system_error(number):
    return OSError(number, os.strerror(number))


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    final = tmp_path / "new" / "folder" / "table.csv"

    with atomic_path(final) as partial:
        partial.write_text("half")
        assert not final.exists()
        assert (partial.parent, partial.suffix) == (final.parent, ".csv")

    assert final.read_text() == "half"
    assert names(final.parent) == ["table.csv"]


def test_a_failed_block_keeps_the_old_file_and_leaves_no_other(tmp_path):
    final = tmp_path / "table.csv"
    final.write_text("old")

    with pytest.raises(ValueError, match="my bug"):
        write(final, ValueError("my bug"))

    assert final.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_leaves_nothing(tmp_path, error):
    with pytest.raises(error):
        write(tmp_path / "x", error())

    assert names(tmp_path) == []


def test_a_block_that_writes_nothing_is_a_bug(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        pass


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free space"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_failures_of_the_disk_name_the_path_and_what_to_do(tmp_path, number, advice):
    final = tmp_path / "model.pt"

    with pytest.raises(PipelineError) as failure:
        write(final, system_error(number))

    assert f"cannot write {final}: {advice}" in str(failure.value)
    assert failure.value.__cause__.errno == number
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_really_full_disk_names_the_path(tmp_path):
    def fill():
        with atomic_path(tmp_path / "x.bin") as partial:
            partial.symlink_to("/dev/full")
            partial.write_bytes(b"1")

    with pytest.raises(PipelineError, match=r"x\.bin: the disk is full"):
        fill()
    assert names(tmp_path) == []


@pytest.mark.parametrize("method", ["mkdir", "replace"])
def test_a_read_only_folder_names_the_path(tmp_path, monkeypatch, method):
    final = tmp_path / "results" / "model.pt"

    def fail(*args, **kwargs):
        raise system_error(errno.EROFS)

    monkeypatch.setattr(Path, method, fail)

    with pytest.raises(PipelineError, match=r"model\.pt: the file system is read-only"):
        write(final)

    monkeypatch.undo()
    assert not final.exists()


def test_bytes_are_published_whole(tmp_path):
    write_bytes(tmp_path / "new" / "x.pt", b"content")

    assert (tmp_path / "new" / "x.pt").read_bytes() == b"content"
    assert names(tmp_path / "new") == ["x.pt"]


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path / "x"):
        tmp_path.read_bytes()


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "videos/locked/a.avi"),
        # As h5py and pyarrow say it.
        PermissionError(errno.EACCES, "Unable to open file: name = 'frames/a.h5', errno = 13"),
        OSError(errno.ENOSPC, "No space left on device", "elsewhere/cache"),
    ],
)
def test_errors_about_other_files_are_not_told_as_failed_writes(tmp_path, error):
    with pytest.raises(OSError, match=r"a\.|cache") as caught:
        write(tmp_path / "x.h5", error)

    assert caught.value is error
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["results/.partial-1-x.h5", "results", "."])
def test_errors_about_the_partial_file_and_its_folders_are_failed_writes(
    tmp_path, monkeypatch, place
):
    monkeypatch.chdir(tmp_path)
    error = PermissionError(errno.EACCES, "Permission denied", place)

    with pytest.raises(PipelineError, match=r"cannot write results/x\.h5: permission denied"):
        write(Path("results/x.h5"), error)


def test_a_partial_file_that_h5py_may_not_create_is_a_failed_write(tmp_path):
    def create():
        with atomic_path(tmp_path / "x.h5") as partial:
            raise PermissionError(errno.EACCES, f"Unable to create file: name = '{partial}'")

    with pytest.raises(PipelineError, match=r"x\.h5: permission denied; make the folder writable"):
        create()


def test_a_full_disk_is_seen_in_an_error_without_a_number(tmp_path):
    error = OSError("Can't write data (file write failed: errno = 28, error message = ...)")

    assert "the disk is full" in str(explained(error, tmp_path))


def test_orphans_of_killed_runs_go_when_they_are_old(tmp_path):
    old, fresh = tmp_path / ".partial-1-x", tmp_path / ".partial-2-x"
    other = tmp_path / ".partial-1-y"
    for path in (old, fresh, other):
        path.write_text("half")
    long_ago = time.time() - STALE_SECONDS - 60
    for path in (old, other):
        os.utime(path, (long_ago, long_ago))

    with atomic_path(tmp_path / "x") as partial:
        partial.write_text("1")

    assert names(tmp_path) == [".partial-1-y", ".partial-2-x", "x"]
