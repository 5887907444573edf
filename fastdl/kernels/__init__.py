"""The numerical kernels: NumPy arrays in, NumPy arrays out, without the GIL, on all cores.

Arrays of other dtypes, strides and byte orders are converted; `out=` must fit exactly.
"""

from fastdl.kernels.activation import activation_backward, activation_forward
from fastdl.kernels.adam import adam_update, adamax_update, nadam_update, radam_update
from fastdl.kernels.batchnorm import batchnorm_backward, batchnorm_forward, batchnorm_stats
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
from fastdl.kernels.optimizer import (
    adadelta_update,
    adagrad_update,
    lion_update,
    momentum_update,
    normalized_sgd_update,
    rmsprop_update,
    sgd_update,
)
from fastdl.kernels.random import permutation, philox4x32, random_normal, random_uniform
from fastdl.kernels.reduce import clip_by_global_norm, global_norm
from fastdl.kernels.smooth_clip import smooth_clip
from fastdl.kernels.softmax import log_softmax, softmax

__all__ = [
    "activation_backward",
    "activation_forward",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "add",
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_stats",
    "clip_by_global_norm",
    "concatenate",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "gather",
    "gaussian_noise",
    "global_norm",
    "lion_update",
    "log_softmax",
    "matmul",
    "momentum_update",
    "mse",
    "nadam_update",
    "normalized_sgd_update",
    "permutation",
    "philox4x32",
    "radam_update",
    "random_normal",
    "random_uniform",
    "rmsprop_update",
    "sgd_update",
    "smooth_clip",
    "softmax",
    "softmax_cross_entropy",
]
