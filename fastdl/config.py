"""What this installation is and runs on."""

from __future__ import annotations

import numpy as np

from fastdl.kernels._team import available_isas, get_num_threads, isa

__version__ = "0.1.0"


def show_config() -> str:
    """Version, instruction set and threads, as text; also printed.

    Returns
    -------
    str
    """
    import platform

    lines = {
        "fastdl": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "instruction set": f"{isa()} (of {', '.join(available_isas())}; FASTDL_ISA chooses)",
        "threads": str(get_num_threads()),
    }
    width = max(map(len, lines))
    text = "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())
    print(text)
    return text
