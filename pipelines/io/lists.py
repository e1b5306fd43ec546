"""How a rule hands many files to a command: a text file with one path per line."""

from pathlib import Path

from pipelines.io.errors import ContractError


def read_paths(path: Path) -> list[Path]:
    """Read one path per line, in order.

    Raises:
        ContractError: If the list is empty or names a file that does not exist.
    """
    paths = [Path(line) for line in path.read_text().splitlines() if line]
    if not paths:
        raise ContractError(f"{path} lists no file; expected one path per line")
    missing = [str(item) for item in paths if not item.exists()]
    if missing:
        raise ContractError(f"{path} lists {len(missing)} missing files, first: {missing[0]}")
    return paths
