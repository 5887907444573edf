"""The numerical kernels: NumPy arrays in, NumPy arrays out, without the GIL, on all cores.

Arrays of other dtypes, strides and byte orders are converted; `out=` must fit exactly.
"""

from fastdl.kernels.activation import activation_backward, activation_forward
from fastdl.kernels.batchnorm import batchnorm_backward, batchnorm_forward, batchnorm_stats
from fastdl.kernels.dense import dense_backward, dense_forward, matmul
from fastdl.kernels.dropout import (
    alpha_dropout_backward,
    alpha_dropout_forward,
    dropout_backward,
    dropout_forward,
    dropout_mask,
)
from fastdl.kernels.elementwise_loss import binary_cross_entropy, huber, mae, mse, poisson, quantile
from fastdl.kernels.gather import gather
from fastdl.kernels.loss import focal, softmax_cross_entropy, softmax_cross_entropy_probabilities
from fastdl.kernels.merge import add, concatenate
from fastdl.kernels.noise import gaussian_noise
from fastdl.kernels.optimizer import adam_update, momentum_update, sgd_update
from fastdl.kernels.random import permutation, philox4x32, random_normal, random_uniform
from fastdl.kernels.reduce import clip_by_global_norm, global_norm
from fastdl.kernels.smooth_clip import smooth_clip
from fastdl.kernels.softmax import log_softmax, softmax

__all__ = [
    "activation_backward",
    "activation_forward",
    "adam_update",
    "add",
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_stats",
    "binary_cross_entropy",
    "clip_by_global_norm",
    "concatenate",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "focal",
    "gather",
    "gaussian_noise",
    "global_norm",
    "huber",
    "log_softmax",
    "mae",
    "matmul",
    "momentum_update",
    "mse",
    "permutation",
    "philox4x32",
    "poisson",
    "quantile",
    "random_normal",
    "random_uniform",
    "sgd_update",
    "smooth_clip",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_probabilities",
]
