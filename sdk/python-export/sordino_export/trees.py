"""Trees, forests and gradient boosting of scikit-learn: the arrays of `tree_` as they are."""

import math

from .errors import Unsupported
from .values import plain

LARGEST = 1.7976931348623157e308


def _made(classes, family, combine, base, link, trees, precision="single"):
    fields = {
        "family": family,
        "precision": precision,
        "combine": combine,
        "base": base,
        "link": link,
        "trees": trees,
    }
    return {"classes": [] if classes is None else plain(classes), "estimator": {"trees": fields}}


def _tree(estimator, leaf, score=0, missing=True):
    """The arrays of one tree; `leaf` turns the value of a leaf into what it adds to the scores."""
    tree = estimator.tree_
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise Unsupported(f"{type(estimator).__name__} with several targets", "fit one model per target")
    left = plain(tree.children_left)
    arrays = {
        "score": score,
        "children_left": left,
        "children_right": plain(tree.children_right),
        "feature": plain(tree.feature),
        "threshold": plain(tree.threshold),
        "value": [leaf(value[0]) if child < 0 else [] for child, value in zip(left, plain(tree.value))],
    }
    if missing and hasattr(tree, "missing_go_to_left"):
        arrays["missing_go_to_left"] = [int(side) for side in plain(tree.missing_go_to_left)]
    return arrays


def _share(counts):
    """Class shares; releases before 1.3 keep counts."""
    total = sum(counts)
    # Shares are left as they are: dividing by a sum that is 1 but for rounding would change them.
    return counts if abs(total - 1.0) < 1e-6 else [count / total for count in counts]


def _averaged(family):
    def read(estimator):
        parts = getattr(estimator, "estimators_", [estimator])
        classes = getattr(estimator, "classes_", None)
        if classes is not None and getattr(estimator, "n_outputs_", 1) != 1:
            raise Unsupported(f"{type(estimator).__name__} with several targets", "fit one model per target")
        leaf = (lambda value: value[:1]) if classes is None else _share
        trees = [_tree(part, leaf) for part in parts]
        base = [0.0] if classes is None else [0.0] * len(classes)
        link = "identity" if classes is None else "probabilities"
        return _made(classes, family, "mean", base, link, trees)

    return read


def _boosted(estimator):
    classes = getattr(estimator, "classes_", None)
    classes = None if classes is None else plain(classes)
    count = estimator.estimators_.shape[1]
    # The exponential loss has probabilities sigmoid(2 * score).
    slope = 2.0 if estimator.loss == "exponential" else 1.0
    rate = slope * estimator.learning_rate
    trees = [
        _tree(part, lambda value: [value[0] * rate], score, missing=False)
        for stage in estimator.estimators_
        for score, part in enumerate(stage)
    ]
    link = "identity" if classes is None else "sigmoid" if count == 1 else "softmax"
    return _made(classes, "boosted", "sum", _start(estimator, classes, count), link, trees)


def _start(estimator, classes, count):
    """The score before any tree."""
    init = estimator.init_
    if isinstance(init, str) and init == "zero":
        return [0.0] * count
    if type(init).__name__ == "DummyRegressor":
        return [float(plain(init.constant_)[0][0])]
    if type(init).__name__ == "DummyClassifier" and init.strategy == "prior":
        # As scikit-learn clips them, at the precision of 32 bits.
        tiny = 2.0**-23
        prior = [min(max(share, tiny), 1.0 - tiny) for share in plain(init.class_prior_)]
        if count == 1:
            return [math.log(prior[1] / (1.0 - prior[1]))]
        logs = [math.log(share) for share in prior]
        return [log - sum(logs) / len(logs) for log in logs]
    raise Unsupported(f"{type(estimator).__name__}(init={type(init).__name__})", "use init=None or init='zero'")


def _histogram(estimator):
    if getattr(estimator, "is_categorical_", None) is not None:
        raise Unsupported("HistGradientBoosting with categorical features", "encode them before, ordinal or one-hot")
    classes = getattr(estimator, "classes_", None)
    base = [float(value) for row in _nested(plain(estimator._baseline_prediction)) for value in row]
    trees = []
    for stage in estimator._predictors:
        for score, predictor in enumerate(stage):
            trees.append(_nodes(predictor.nodes, score))
    if classes is not None:
        link = "sigmoid" if len(base) == 1 else "softmax"
    else:
        link = "exp" if estimator.loss in ("poisson", "gamma") else "identity"
    return _made(classes, "boosted", "sum", base, link, trees, precision="double")


def _nested(value):
    if not isinstance(value, list):
        return [[value]]
    return [row if isinstance(row, list) else [row] for row in value]


def _nodes(nodes, score):
    leaf = [bool(flag) for flag in plain(nodes["is_leaf"])]
    field = {name: plain(nodes[name]) for name in ("left", "right", "feature_idx", "num_threshold", "value")}
    return {
        "score": score,
        "children_left": [-1 if flag else child for flag, child in zip(leaf, field["left"])],
        "children_right": [-1 if flag else child for flag, child in zip(leaf, field["right"])],
        "feature": field["feature_idx"],
        # A split that only tells missing values apart has an infinite threshold.
        "threshold": [min(threshold, LARGEST) for threshold in field["num_threshold"]],
        "value": [[value] if flag else [] for flag, value in zip(leaf, field["value"])],
        "missing_go_to_left": [int(side) for side in plain(nodes["missing_go_to_left"])],
    }


READERS = {
    "BaseDecisionTree": _averaged("single"),
    "BaseForest": _averaged("forest"),
    "BaseGradientBoosting": _boosted,
    "BaseHistGradientBoosting": _histogram,
}
