"""The numerical kernels: NumPy arrays in, NumPy arrays out, without the GIL, on all cores.

Arrays of other dtypes, strides and byte orders are converted; `out=` must fit exactly.
"""

from fastdl.kernels.activation import activation_backward, activation_forward, activation_saves
from fastdl.kernels.adam import adam_update, adamax_update, nadam_update, radam_update
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
from fastdl.kernels.elementwise_loss import binary_cross_entropy, huber, mae, mse, poisson, quantile
from fastdl.kernels.embedding import embedding_backward, embedding_forward
from fastdl.kernels.feature_scale import feature_scale_backward, feature_scale_forward
from fastdl.kernels.gather import gather
from fastdl.kernels.layernorm import layernorm_backward, layernorm_forward, rmsnorm_backward, rmsnorm_forward
from fastdl.kernels.loss import focal, softmax_cross_entropy, softmax_cross_entropy_probabilities
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
from fastdl.kernels.orthogonal import orthonormalize
from fastdl.kernels.parametric import parametric_backward, parametric_forward
from fastdl.kernels.penalty import penalty_l1l2
from fastdl.kernels.periodic import periodic_backward, periodic_forward
from fastdl.kernels.random import permutation, philox4x32, random_normal, random_uniform
from fastdl.kernels.reduce import clip_by_global_norm, global_norm
from fastdl.kernels.smooth_clip import smooth_clip
from fastdl.kernels.softmax import log_softmax, softmax
from fastdl.kernels.unit import adaptive_clip, max_norm
from fastdl.kernels.vecmath import cos, erf, exp, log, sin, tanh
from fastdl.kernels.weightnorm import weightnorm_backward, weightnorm_forward

__all__ = [
    "activation_backward",
    "activation_forward",
    "activation_saves",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "adaptive_clip",
    "add",
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_stats",
    "binary_cross_entropy",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "concatenate",
    "cos",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "ema_update",
    "embedding_backward",
    "embedding_forward",
    "erf",
    "exp",
    "feature_scale_backward",
    "feature_scale_forward",
    "focal",
    "gather",
    "gaussian_noise",
    "global_norm",
    "huber",
    "layernorm_backward",
    "layernorm_forward",
    "lion_update",
    "log",
    "log_softmax",
    "mae",
    "matmul",
    "max_norm",
    "momentum_update",
    "mse",
    "nadam_update",
    "normalized_sgd_update",
    "orthonormalize",
    "parametric_backward",
    "parametric_forward",
    "penalty_l1l2",
    "periodic_backward",
    "periodic_forward",
    "permutation",
    "philox4x32",
    "poisson",
    "quantile",
    "radam_update",
    "random_normal",
    "random_uniform",
    "rmsnorm_backward",
    "rmsnorm_forward",
    "rmsprop_update",
    "sgd_update",
    "sin",
    "smooth_clip",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_probabilities",
    "tanh",
    "weightnorm_backward",
    "weightnorm_forward",
]
