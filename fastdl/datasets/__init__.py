"""Data to try things on: real, small, and in the package, so that nothing is fetched."""

from fastdl.datasets.digits import load_digits

__all__ = ["load_digits"]
