"""Small pieces of C, compiled on the spot for this very processor: yardsticks that share nothing with fastdl."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC")


@cache
def compiled(source: str, *flags: str) -> ctypes.CDLL | None:
    """Return the library that the source makes, with these flags behind the usual ones; None without a compiler."""
    configured = (sysconfig.get_config_var("CC") or "cc").split()[0]
    compiler = shutil.which(configured) or shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file, library = Path(folder, "yardstick.c"), Path(folder, "yardstick.so")
        file.write_text(source)
        command = [compiler, *FLAGS, *flags, str(file), "-o", str(library)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        return ctypes.CDLL(str(library))
