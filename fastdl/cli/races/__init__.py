"""What `fastdl bench` and `pytest benchmarks` measure: every public kernel beside NumPy."""

from fastdl.cli.races import elementwise, products, updates
from fastdl.cli.races.case import SIZES, Case, alternate

__all__ = ["CASES", "SIZES", "UNRIVALLED", "Case", "alternate"]

CASES = [*products.CASES, *elementwise.CASES, *updates.CASES]
# What NumPy has nothing like.
UNRIVALLED = {"philox4x32"}
