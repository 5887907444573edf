"""Layers and networks."""

from fastdl.nn.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from fastdl.nn.alpha_dropout import AlphaDropout
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.bound import Predictor
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.embedding import Embedding
from fastdl.nn.feature_scale import FeatureScale
from fastdl.nn.layer import Layer, Parameter
from fastdl.nn.layernorm import LayerNorm, RMSNorm
from fastdl.nn.network import Network
from fastdl.nn.noise import GaussianNoise
from fastdl.nn.parallel import Parallel
from fastdl.nn.parametric import ParametricActivation
from fastdl.nn.periodic import PeriodicEmbedding
from fastdl.nn.residual import Residual
from fastdl.nn.saving import load
from fastdl.nn.scale import MinMaxScale, RobustScale, Standardize
from fastdl.nn.sequential import Sequential

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Embedding",
    "FeatureScale",
    "GaussianNoise",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MinMaxScale",
    "Mish",
    "Network",
    "Parallel",
    "Parameter",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Predictor",
    "RMSNorm",
    "ReLU",
    "Residual",
    "RobustScale",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Standardize",
    "Tanh",
    "load",
]
