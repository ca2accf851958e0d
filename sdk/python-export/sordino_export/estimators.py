"""Fitted attributes of each kind of estimator."""

import json

from . import trees
from .errors import Unsupported
from .values import kinds, plain, rows

PROBABLE = ("LogisticRegression", "LinearDiscriminantAnalysis")
MARGINS = ("LinearSVC", "SVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")
REGRESSORS = (
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LassoLars",
    "BayesianRidge", "ARDRegression", "HuberRegressor", "SGDRegressor", "LinearSVR", "SVR", "QuantileRegressor",
    "TheilSenRegressor",
)
LOGARITHMIC = ("PoissonRegressor", "GammaRegressor")
KNOWN = (
    "linear models, GaussianNB, CategoricalNB, decision trees, random forests, extra trees, gradient boosting "
    "(also XGBoost and LightGBM), KMeans and multilayer perceptrons can be exported"
)


def is_estimator(estimator):
    """Whether it predicts."""
    return hasattr(estimator, "predict")


def attributes(estimator):
    """Its classes and attributes: `{"classes": [...], "estimator": {...}}`."""
    for kind in kinds(estimator):
        reader = READERS.get(kind)
        if reader is not None:
            return reader(estimator)
    raise Unsupported(type(estimator).__name__, KNOWN)


def _made(classes, shape, fields):
    return {"classes": [] if classes is None else plain(classes), "estimator": {shape: fields}}


def _linear(estimator, family, link, classes=None):
    if getattr(estimator, "kernel", "linear") != "linear":
        raise Unsupported(f"{type(estimator).__name__}(kernel={estimator.kernel!r})", 'use kernel="linear"')
    coef = rows(estimator.coef_)
    intercept = plain(estimator.intercept_)
    intercept = intercept if isinstance(intercept, list) else [intercept] * len(coef)
    if classes is None and len(coef) > 1:
        raise Unsupported(f"{type(estimator).__name__} with several targets", "fit one model per target")
    return _made(classes, "linear", {"family": family, "coef": coef, "intercept": intercept, "link": link})


def _classifier(estimator, family, two, many):
    classes = plain(estimator.classes_)
    if len(classes) > 2 and "SVC" in kinds(estimator):
        raise Unsupported("SVC with more than two classes", "use LinearSVC")
    return _linear(estimator, family, two if len(classes) == 2 else many, classes)


def _probable(estimator):
    return _classifier(estimator, "logistic", "sigmoid", "softmax")


def _margin(estimator):
    return _classifier(estimator, "svm", {"cutoff": {"at": 0.0}}, "largest")


def _sgd(estimator):
    if estimator.loss == "log_loss":
        return _classifier(estimator, "logistic", "sigmoid", "one_vs_rest")
    return _margin(estimator)


def _regressor(estimator):
    return _linear(estimator, "regression", "identity")


def _logarithmic(estimator):
    return _linear(estimator, "poisson", "exp")


def _tweedie(estimator):
    logarithmic = estimator.link == "log" or (estimator.link == "auto" and estimator.power > 0)
    return _logarithmic(estimator) if logarithmic else _regressor(estimator)


def _gaussian(estimator):
    return _made(
        estimator.classes_,
        "gaussian_nb",
        {
            "theta": plain(estimator.theta_),
            "var": plain(estimator.var_),
            "class_prior": plain(estimator.class_prior_),
        },
    )


def _categorical(estimator):
    tables = [plain(table) for table in estimator.feature_log_prob_]
    prior = plain(estimator.class_log_prior_)
    return _made(estimator.classes_, "categorical_nb", {"feature_log_prob": tables, "class_log_prior": prior})


def _k_means(estimator):
    centres = plain(estimator.cluster_centers_)
    return _made(list(range(len(centres))), "k_means", {"cluster_centers": centres})


def _mlp(estimator):
    activation = {"logistic": "sigmoid"}.get(estimator.activation, estimator.activation)
    classes = getattr(estimator, "classes_", None)
    if classes is None and estimator.n_outputs_ != 1:
        raise Unsupported("MLPRegressor with several targets", "fit one model per target")
    if getattr(estimator, "loss", "") == "poisson" or estimator.out_activation_ not in OUTPUTS:
        raise Unsupported(f"an output activation {estimator.out_activation_!r}", f"expected one of {OUTPUTS}")
    fields = {
        "coefs": [plain(layer) for layer in estimator.coefs_],
        "intercepts": [plain(layer) for layer in estimator.intercepts_],
        "activation": activation,
        "out_activation": estimator.out_activation_,
    }
    return _made(classes, "mlp", fields)


OUTPUTS = ("identity", "logistic", "softmax")


def _xgboost(estimator):
    booster = estimator.get_booster() if hasattr(estimator, "get_booster") else estimator
    model = json.loads(bytes(booster.save_raw("json")).decode("utf-8"))
    # What only training needs, and what only explains.
    for tree in model["learner"]["gradient_booster"].get("model", {}).get("trees", []):
        for field in ("base_weights", "loss_changes", "sum_hessian", "parents"):
            tree.pop(field, None)
    return _made(_labels(estimator, model), "xgboost", {"model": model})


def _labels(estimator, model):
    """The classes of a wrapper; a bare booster has numbers only."""
    if hasattr(estimator, "classes_"):
        return estimator.classes_
    objective = model["learner"]["objective"]["name"]
    count = int(model["learner"]["learner_model_param"]["num_class"])
    if objective.startswith("binary:"):
        count = 2
    return list(range(count)) if count > 1 else None


def _lightgbm(estimator):
    booster = getattr(estimator, "booster_", estimator)
    text = booster.model_to_string()
    # Everything after the trees is for training, but for the categories of the data frame.
    head, mark, tail = text.partition("end of trees\n")
    kept = [line for line in tail.splitlines() if line.startswith("pandas_categorical:")]
    classes = getattr(estimator, "classes_", None)
    if classes is None and "\nobjective=multiclass" in head:
        classes = list(range(int(head.split("num_class=")[1].split()[0])))
    elif classes is None and "\nobjective=binary" in head:
        classes = [0, 1]
    return _made(classes, "lightgbm", {"model": head + mark + "\n".join(kept) + "\n"})


def _booster(estimator):
    return _lightgbm(estimator) if hasattr(estimator, "model_to_string") else _xgboost(estimator)


READERS = {
    **{kind: _probable for kind in PROBABLE},
    **{kind: _margin for kind in MARGINS},
    **{kind: _regressor for kind in REGRESSORS},
    **{kind: _logarithmic for kind in LOGARITHMIC},
    "SGDClassifier": _sgd,
    "TweedieRegressor": _tweedie,
    "GaussianNB": _gaussian,
    "CategoricalNB": _categorical,
    "KMeans": _k_means,
    "MiniBatchKMeans": _k_means,
    "MLPClassifier": _mlp,
    "MLPRegressor": _mlp,
    "XGBModel": _xgboost,
    "LGBMModel": _lightgbm,
    "Booster": _booster,
    **trees.READERS,
}
