"""From the rows of a table to what an estimator sees."""

import math

from .errors import Unsupported


def features(model, rows):
    """A matrix with one row a row and one column a feature; NaN where a feature is missing.

    `rows` is a data frame that has the inputs by name, or rows of values in the order of the inputs.
    """
    import numpy

    columns = _columns([column["name"] for column in model["inputs"]], rows)
    cached = [[_value(value) for value in column] for column in columns]
    made = [[_feature(feature, value) for value in cached[feature["input"]]] for feature in model["features"]]
    return numpy.array(made, dtype=float).T.reshape(len(cached[0]), len(made))


def _columns(names, rows):
    if hasattr(rows, "columns"):
        absent = [name for name in names if name not in rows.columns]
        if absent:
            raise ValueError(f"the data frame lacks {', '.join(absent)}")
        return [list(rows[name]) for name in names]
    rows = [list(row) for row in rows]
    for row in rows:
        if len(row) != len(names):
            raise ValueError(f"a row has {len(row)} values, expected {len(names)}: {', '.join(names)}")
    return [[row[index] for row in rows] for index in range(len(names))]


def _value(value):
    """A Python number, a text, or None."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(value):
    """The number that a value is or says; None if none."""
    if isinstance(value, str):
        value = {"true": "1", "false": "0"}.get(value.strip(), value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _same(one, other):
    """Texts are compared as texts, anything else by the numbers they say."""
    if one is None or other is None:
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    number = _number(one)
    return number is not None and number == _number(other)


def _feature(feature, value):
    if value is None and feature.get("missing") is not None:
        value = feature["missing"]
    number = _encoded(feature["encoding"], value)
    for step in feature.get("steps", ()):
        (kind, fields), = step.items()
        if kind == "standard":
            number = (number - fields["centre"]) / fields["scale"]
        elif kind == "affine":
            number = number * fields["factor"] + fields["offset"]
        else:
            number = number if math.isnan(number) else min(max(number, fields["low"]), fields["high"])
    return number


def _encoded(encoding, value):
    if encoding == "number":
        return math.nan if value is None else _required(value)
    (kind, fields), = encoding.items()
    if kind == "one_of":
        return float(any(_same(other, value) for other in fields["values"]))
    if kind == "within":
        if value is None:
            return math.nan
        number, low, high = _required(value), fields.get("low"), fields.get("high")
        return float((low is None or low <= number) and (high is None or number < high))
    if kind != "ordinal":
        raise Unsupported(f"the encoding {kind}", "update sordino-export")
    for position, other in enumerate(fields["values"]):
        if _same(other, value):
            return float(position)
    if value is None:
        return math.nan
    if fields.get("unknown") is None:
        raise ValueError(f"{value!r} is none of the {len(fields['values'])} values the model knows")
    return fields["unknown"]


def _required(value):
    number = _number(value)
    if number is None:
        raise ValueError(f"{value!r} is not a number")
    return number
