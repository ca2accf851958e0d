"""From numpy and pandas values to JSON values, without importing either."""

import math

from .errors import Unsupported


def plain(value):
    """An array as nested lists, a scalar as a Python number."""
    if hasattr(value, "toarray"):
        value = value.toarray()
    return value.tolist() if hasattr(value, "tolist") else value


def rows(value):
    """A matrix as a list of rows; a vector is one row."""
    value = plain(value)
    return value if value and isinstance(value[0], list) else [value]


def category(value):
    """A category: a number, a text, or None for a missing value; booleans are `true` and `false`."""
    value = plain(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return value
    # pandas.NA and other markers of missing values compare to nothing.
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    raise Unsupported(f"the category {value!r}", "use numbers, texts or booleans")


def label(value):
    """The label of a class as a table writes it."""
    value = category(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def names_of(estimator):
    """The names of the columns an estimator was fitted on, if it kept them."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None and hasattr(estimator, "steps"):
        for _, step in estimator.steps:
            names = names if names is not None else getattr(step, "feature_names_in_", None)
    if names is None and type(estimator).__name__ == "Booster":
        names = estimator.feature_name() if callable(getattr(estimator, "feature_name", None)) else None
        names = names or getattr(estimator, "feature_names", None)
    return None if names is None else [str(name) for name in names]


def kinds(estimator):
    """Names of its classes, its own first, so that a subclass is read like its parent."""
    return [kind.__name__ for kind in type(estimator).__mro__]
