"""What the words on the page mean, for a reader who has not met them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastdl.nn.activation import ElementWise

if TYPE_CHECKING:
    from fastdl.tables.model import Model

CLASSES = {
    "accuracy": "The share of the rows for which the model names the right class.",
    "log loss": "Minus the logarithm of the probability that the model gives the true class, on average. 0 is perfect; "
    "to be sure and wrong costs most.",
    "cross-entropy": "The log loss as training sees it.",
    "label smoothing": "Training aims a little below certainty, so that the network does not get too sure. The loss "
    "then does not come near 0.",
    "confusion": "How often each class was taken for each other one. What is right stands on the diagonal.",
    "calibration": "Whether of the answers given with a probability of 0.8 about 80 % are right. Above the dotted line "
    "the model is too modest, below it too sure.",
}
NUMBERS = {
    "RMSE": "Root mean squared error: the typical error in units of the target. Large errors count most.",
    "MAE": "Mean absolute error: how far off an answer is on average, in units of the target.",
    "R2": "The share of the target's variance that the model explains. 1 is perfect; 0 is no better than the mean.",
    "residual": "The truth minus the prediction. A good model leaves a cloud around 0 without a shape.",
    "calibration": "Whether rows with the same prediction have a truth that is as large on average.",
}
ALWAYS = {
    "training, validation": "The network learns from the training rows. The validation rows are kept from it, to see "
    "how good it is on rows that it does not know.",
    "baseline": "What an answer is worth that looks at no column. A model has to be better than that.",
    "preset": "A set of settings to begin with.",
    "seed": "The number that all random choices come from. The same seed gives the same model.",
    "epoch": "One pass over the training rows.",
    "loss": "What training makes small. Validation loss that rises while training loss falls means overfitting: the "
    "network learns its rows by heart.",
    "learning rate": "How far a step moves the weights. It rises and falls several times, and ends at 0.",
    "gradient norm": "How steeply the loss changes with the weights. Spikes mean that the learning rate is high.",
    "permutation importance": "How much worse the model gets when the values of one column are dealt out to the rows "
    "anew. About 0: the model can do without it, or has the same from another column.",
    "mean, deviation": "Mean and standard deviation of a layer's outputs. Deviations far from 1 make training hard.",
    "update / weights": "How far a step moves a layer's weights, by their size. Between 0.0001 and 0.1 is usual.",
    "parameters": "The numbers that are learnt: weights, biases, factors.",
}
MANY = {
    "fold": "A part of the rows. For each fold a model is trained on the other folds, and validated on this one.",
    "member": "One of the models whose mean is the answer.",
}
USES = {
    "scaled": "Centred and scaled, so that no column weighs more for its unit.",
    "one-hot": "A column of 0 and 1 for each category.",
    "codes": "Each category gets a few numbers of its own, which are learnt.",
    "date": "Time of the day, of the week and of the year, and how long ago.",
}
LAYERS = {
    "PeriodicEmbedding": "Waves of learnt frequencies, made of each number.",
    "Embedding": "A few learnt numbers for each category.",
    "FeatureScale": "A learnt factor for each input.",
    "Dense": "Weighted sums of all inputs, with learnt weights.",
    "ParametricActivation": "A bend, which lets the network learn more than straight lines; how bent is learnt.",
    "Dropout": "Sets some outputs to 0 at random in training, against overfitting.",
}
BEND = "A bend, which lets the network learn more than straight lines."


def terms(model: Model) -> list[tuple[str, str]]:
    """The words that stand on the page of this model, and what they mean."""
    found = dict(CLASSES if model.settings.task == "classification" else NUMBERS)
    found |= ALWAYS
    if len(model.members) > 1:
        found |= MANY
    if model.settings.label_smoothing == 0.0:
        found.pop("label smoothing", None)
    uses = " ".join(use for _, _, use in model.preparation.describe()).replace("number", "scaled")
    found |= {word: text for word, text in USES.items() if word in uses}
    layers = {type(layer).__name__: layer for _, layer in model.networks[0].children()}
    found |= {kind: text for kind, text in LAYERS.items() if kind in layers}
    found |= {kind: BEND for kind, layer in layers.items() if isinstance(layer, ElementWise)}
    return list(found.items())
