"""Estimators from models that were trained on encrypted tables: predictions in numpy alone."""

import json

from .errors import Unsupported
from .predict import scores
from .preprocess import features

FORMAT = "sordino-model/1"
PROBABILISTIC = ("sigmoid", "softmax", "one_vs_rest", "probabilities")


def load(path):
    """The estimator of a file that `sordino train` wrote: a classifier, a regressor, or clusters.

    It follows the conventions of scikit-learn: `predict`, `predict_proba` where the model states
    probabilities, `feature_names_in_`, `n_features_in_`, `classes_`, `get_params` and `score`.
    """
    with open(path, encoding="utf-8") as file:
        read = json.load(file)
    return from_dict(read.get("model", read))


def from_dict(model):
    """As `load`, from the JSON of a model."""
    if model.get("format") != FORMAT:
        raise Unsupported(f"the format {model.get('format')!r}", f"give a file of {FORMAT}")
    (kind, fields), = model["estimator"].items()
    link = {"gaussian_bayes": "softmax", "categorical_bayes": "softmax", "k_means": "smallest"}.get(kind)
    link = link or fields["link"]
    name = link if isinstance(link, str) else next(iter(link))
    if not model.get("classes"):
        return Regressor(model, name)
    if kind == "k_means":
        return Clusters(model, name)
    cutoff = None if isinstance(link, str) else float(link["cutoff"]["at"])
    return (ProbabilisticClassifier if name in PROBABILISTIC else Classifier)(model, name, cutoff)


class _Estimator:
    def __init__(self, model, link):
        import numpy

        self.model = model
        self.link = link
        self.n_features_in_ = len(model["inputs"])
        self.feature_names_in_ = numpy.array([column["name"] for column in model["inputs"]], dtype=object)

    def get_params(self, deep=True):
        """Its parameters, as scikit-learn asks for them."""
        return {"model": self.model, "link": self.link}

    def __sklearn_is_fitted__(self):
        return True

    def _scores(self, rows):
        return scores(self.model, features(self.model, rows))


class Regressor(_Estimator):
    """Predicts a number."""

    _estimator_type = "regressor"

    def predict(self, X):
        """One number a row."""
        import numpy

        found = self._scores(X)[:, 0]
        return numpy.exp(found) if self.link == "exp" else found

    def score(self, X, y):
        """R2."""
        import numpy

        y = numpy.asarray(y, dtype=float)
        return 1.0 - ((y - self.predict(X)) ** 2).sum() / ((y - y.mean()) ** 2).sum()


class Classifier(_Estimator):
    """Predicts a class."""

    _estimator_type = "classifier"

    def __init__(self, model, link, cutoff=None):
        import numpy

        super().__init__(model, link)
        self.cutoff = cutoff
        self.classes_ = numpy.array(model["classes"], dtype=object)

    def get_params(self, deep=True):
        """Its parameters, as scikit-learn asks for them."""
        return {**super().get_params(deep), "cutoff": self.cutoff}

    def decision_function(self, X):
        """Raw scores; of two classes with one score, that of the second."""
        found = self._scores(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def predict(self, X):
        """One class label a row, as a text."""
        found = self._scores(X)
        if self.link in ("cutoff", "sigmoid"):
            return self.classes_[(found[:, 0] > (self.cutoff or 0.0)).astype(int)]
        return self.classes_[found.argmin(axis=1) if self.link == "smallest" else found.argmax(axis=1)]

    def score(self, X, y):
        """Accuracy; labels are compared as texts."""
        return float((self.predict(X) == [str(label) for label in y]).mean())


class ProbabilisticClassifier(Classifier):
    """Predicts a class and its probability."""

    def predict_proba(self, X):
        """One probability per class a row."""
        import numpy

        found = self._scores(X)
        if self.link == "softmax":
            found = numpy.exp(found - found.max(axis=1, keepdims=True))
        elif self.link in ("sigmoid", "one_vs_rest"):
            # Written so that neither end overflows.
            found = 0.5 * (1.0 + numpy.tanh(0.5 * found))
            if self.link == "sigmoid":
                return numpy.hstack([1.0 - found, found])
        return found / found.sum(axis=1, keepdims=True)


class Clusters(_Estimator):
    """Finds the nearest centre."""

    _estimator_type = "clusterer"

    def __init__(self, model, link):
        import numpy

        super().__init__(model, link)
        self.cluster_centers_ = numpy.array(model["estimator"]["k_means"]["centres"])

    def transform(self, X):
        """The distance to every centre."""
        return self._scores(X) ** 0.5

    def predict(self, X):
        """The number of the nearest centre of each row."""
        return self._scores(X).argmin(axis=1)
