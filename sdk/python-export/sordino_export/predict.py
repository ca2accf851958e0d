"""Raw scores of every estimator of the format, in numpy."""

import math

from .errors import Unsupported


def scores(model, x):
    """A matrix with one row a row and one column a score."""
    import numpy

    (kind, fields), = model["estimator"].items()
    if kind == "trees":
        return _trees(fields, x)
    if numpy.isnan(x).any():
        raise ValueError("a value is missing, and the model does not say what to do then: impute it first")
    if kind == "linear":
        return _layer(fields["outputs"], x)
    if kind == "gaussian_bayes":
        return numpy.stack([_gaussian(each, x) for each in fields["classes"]], axis=1)
    if kind == "categorical_bayes":
        return numpy.stack([_categorical(each, x) for each in fields["classes"]], axis=1)
    if kind == "k_means":
        centres = numpy.array(fields["centres"])
        return ((x[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    if kind == "network":
        return _network(fields, x)
    raise Unsupported(f"the estimator {kind}", "update sordino-export")


def _layer(units, x):
    import numpy

    weights = numpy.array([unit["weights"] for unit in units])
    return x @ weights.T + numpy.array([unit["intercept"] for unit in units])


def _network(fields, x):
    import numpy

    activations = {
        "identity": lambda x: x,
        "relu": lambda x: numpy.maximum(x, 0.0),
        "tanh": numpy.tanh,
        "sigmoid": lambda x: 0.5 * (1.0 + numpy.tanh(0.5 * x)),
    }
    *hidden, last = fields["layers"]
    for units in hidden:
        x = activations[fields["activation"]](_layer(units, x))
    return _layer(last, x)


def _gaussian(each, x):
    import numpy

    means, variances = numpy.array(each["means"]), numpy.array(each["variances"])
    spread = numpy.log(2.0 * math.pi * variances).sum()
    return each["log_prior"] - 0.5 * spread - 0.5 * ((x - means) ** 2 / variances).sum(axis=1)


def _categorical(each, x):
    import numpy

    total = numpy.full(len(x), each["log_prior"])
    for feature, table in enumerate(each["tables"]):
        codes = x[:, feature].astype(int)
        if ((codes != x[:, feature]) | (codes < 0) | (codes >= len(table))).any():
            raise ValueError(f"feature {feature} has a code that is not in 0 to {len(table) - 1}")
        total = total + numpy.array(table)[codes]
    return total


def _trees(fields, x):
    import numpy

    if fields["precision"] == "single":
        x = x.astype(numpy.float32).astype(float)
    total = numpy.zeros((len(x), len(fields["base"])))
    for tree in fields["trees"]:
        for row in range(len(x)):
            leaf = _leaf(tree["nodes"], x[row])
            total[row, tree["score"] : tree["score"] + len(leaf)] += leaf
    if fields["combine"] == "mean":
        total /= len(fields["trees"])
    return total + numpy.array(fields["base"])


def _leaf(nodes, row):
    node = nodes[0]
    while "split" in node:
        split = node["split"]
        value = row[split["feature"]]
        if math.isnan(value):
            if split.get("missing") is None:
                raise ValueError("a value is missing, and the tree does not say where it goes: impute it first")
            left = split["missing"] == "left"
        else:
            left = _holds(split["test"], value)
        node = nodes[split["left"] if left else split["right"]]
    return node["leaf"]


def _holds(test, value):
    (kind, bound), = test.items()
    if kind == "at_most":
        return value <= bound
    return value < bound if kind == "below" else value in bound
