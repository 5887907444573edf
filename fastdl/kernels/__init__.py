"""The numerical kernels: NumPy arrays in, NumPy arrays out, without the GIL, on all cores.

Arrays of other dtypes, strides and byte orders are converted; `out=` must fit exactly.
"""

from fastdl.kernels.activation import activation_backward, activation_forward
from fastdl.kernels.averaging import ema_update
from fastdl.kernels.batchnorm import batchnorm_backward, batchnorm_forward, batchnorm_stats
from fastdl.kernels.clip import clip_by_norm, clip_by_value
from fastdl.kernels.dense import dense_backward, dense_forward, matmul
from fastdl.kernels.dropout import (
    alpha_dropout_backward,
    alpha_dropout_forward,
    dropout_backward,
    dropout_forward,
    dropout_mask,
)
from fastdl.kernels.gather import gather
from fastdl.kernels.loss import mse, softmax_cross_entropy
from fastdl.kernels.merge import add, concatenate
from fastdl.kernels.noise import gaussian_noise
from fastdl.kernels.optimizer import adam_update, momentum_update, sgd_update
from fastdl.kernels.penalty import penalty_l1l2
from fastdl.kernels.random import permutation, philox4x32, random_normal, random_uniform
from fastdl.kernels.reduce import clip_by_global_norm, global_norm
from fastdl.kernels.smooth_clip import smooth_clip
from fastdl.kernels.softmax import log_softmax, softmax
from fastdl.kernels.unit import adaptive_clip, max_norm

__all__ = [
    "activation_backward",
    "activation_forward",
    "adam_update",
    "adaptive_clip",
    "add",
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_stats",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "concatenate",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "ema_update",
    "gather",
    "gaussian_noise",
    "global_norm",
    "log_softmax",
    "matmul",
    "max_norm",
    "momentum_update",
    "mse",
    "penalty_l1l2",
    "permutation",
    "philox4x32",
    "random_normal",
    "random_uniform",
    "sgd_update",
    "smooth_clip",
    "softmax",
    "softmax_cross_entropy",
]
