"""Gradient clipping."""

from __future__ import annotations

from fastdl.errors import check_number, unknown_name


class ClipNorm:
    """If ||g|| > theta then g *= theta / ||g||, the norm over the whole model (Pascanu et al. 2013).

    The factor is applied inside the optimizer's pass; the gradient is never rewritten.

    Parameters
    ----------
    theta : float
        Above 0.
    per : {"model"}
        What the norm is taken over.
    to : {"threshold", "unit"}
        "unit" divides by the norm itself, also only above theta.
    """

    def __init__(self, theta: float = 1.0, per: str = "model", to: str = "threshold") -> None:
        self.theta = check_number("theta", theta, 0.0, float("inf"), open_low=True)
        if per != "model":
            raise unknown_name("per", per, ("model",))
        if to not in ("threshold", "unit"):
            raise unknown_name("to", to, ("threshold", "unit"))
        self.per = per
        self.to = to

    def __repr__(self) -> str:
        return f"ClipNorm(theta={self.theta!r}, per={self.per!r}, to={self.to!r})"
