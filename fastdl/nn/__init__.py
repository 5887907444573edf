"""Layers and networks."""

from fastdl.nn.activation import Activation, ReLU, Tanh
from fastdl.nn.batchnorm import BatchNorm
from fastdl.nn.dense import Dense
from fastdl.nn.dropout import Dropout
from fastdl.nn.layer import Layer, Parameter
from fastdl.nn.network import Network
from fastdl.nn.saving import load
from fastdl.nn.scale import MinMaxScale, Standardize
from fastdl.nn.sequential import Sequential

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "MinMaxScale",
    "Network",
    "Parameter",
    "ReLU",
    "Sequential",
    "Standardize",
    "Tanh",
    "load",
]
