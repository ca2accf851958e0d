"""Turns fitted scikit-learn, XGBoost and LightGBM estimators into JSON that Sordino reads, and trained
models of Sordino into estimators."""

import json

from .errors import Unsupported
from .estimators import attributes, is_estimator
from .features import Columns
from .load import from_dict, load
from .values import label, names_of

__all__ = ["FORMAT", "Unsupported", "export", "from_dict", "load", "save", "scorecard"]

FORMAT = "sordino-export/1"


def export(estimator, feature_names=None):
    """The export of a fitted estimator or pipeline, as a dict of JSON values.

    `feature_names` are the names of the table's columns in the order of fitting; they may be left out
    when the estimator was fitted on a data frame.
    """
    names = names_of(estimator) if feature_names is None else [str(name) for name in feature_names]
    if names is None:
        raise Unsupported(
            type(estimator).__name__,
            "it was not fitted on a data frame: pass feature_names, in the order of fitting",
        )
    columns = Columns(names)
    last = columns.through(estimator)
    if not is_estimator(last):
        raise Unsupported(type(last).__name__, "the last step of a pipeline must be an estimator")
    width = getattr(last, "n_features_in_", len(columns.features))
    if width != len(columns.features):
        raise Unsupported(
            type(last).__name__, f"it expects {width} features, the steps before it give {len(columns.features)}"
        )
    described = attributes(last)
    classes = described.pop("classes")
    return {
        "format": FORMAT,
        "library": f"{type(last).__module__.split('.')[0]} {_version(last)}",
        "inputs": columns.inputs(),
        "features": columns.features,
        "classes": [label(value) for value in classes],
        "estimator": described["estimator"],
    }


def save(estimator, path, feature_names=None):
    """Writes `export(estimator, feature_names)` to a file."""
    _write(export(estimator, feature_names), path)


def scorecard(bins, base=0.0, above=None, classes=("0", "1"), path=None):
    """The export of a scorecard.

    `bins` maps a column to a list of dicts with `points` and either `values` (a list; None for missing)
    or `low` and `high` (low included, high excluded; either may be left out). With `above`, rows with
    more points than that are of the second class; without it the score itself is predicted.
    """
    inputs, features, points = [], [], []
    for index, (column, rows) in enumerate(bins.items()):
        inputs.append({"name": str(column)})
        for row in rows:
            if "values" in row:
                encoding = {"one_of": {"values": list(row["values"])}}
            else:
                encoding = {"within": {"low": row.get("low"), "high": row.get("high")}}
            features.append({"input": index, "encoding": encoding})
            points.append(float(row["points"]))
    exported = {
        "format": FORMAT,
        "library": "scorecard",
        "inputs": inputs,
        "features": features,
        "classes": [] if above is None else [str(name) for name in classes],
        "estimator": {"scorecard": {"base": float(base), "points": points, "above": above}},
    }
    if path is not None:
        _write(exported, path)
    return exported


def _write(exported, path):
    # NaN and infinity are not JSON: fail here rather than in the reader.
    text = json.dumps(exported, allow_nan=False, separators=(",", ":"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _version(estimator):
    state = getattr(estimator, "__dict__", {})
    version = state.get("_sklearn_version") or getattr(_package(estimator), "__version__", "")
    return str(version) or "unknown"


def _package(estimator):
    import sys

    return sys.modules.get(type(estimator).__module__.split(".")[0])
