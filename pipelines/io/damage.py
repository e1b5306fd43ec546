"""What torch.load raises on a file that is cut, has flipped bits or holds something else."""

import struct
import zipfile
import zlib
from pickle import UnpicklingError

DAMAGE: tuple[type[Exception], ...] = (
    UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    AssertionError,
)
# With the disk's own faults.
UNREADABLE: tuple[type[Exception], ...] = (*DAMAGE, OSError)
