"""What `fastdl bench` and `pytest benchmarks` measure: every public kernel beside NumPy."""

from fastdl.cli.races import activations, clips, losses, noise, norms, products, tables, updates
from fastdl.cli.races.case import SIZES, Case, alternate

__all__ = ["CASES", "SIZES", "UNRIVALLED", "Case", "alternate"]

CASES = [case for kin in (products, activations, norms, tables, noise, losses, updates, clips) for case in kin.CASES]
# What NumPy has nothing like.
UNRIVALLED = {"activation_saves", "erf", "philox4x32"}
