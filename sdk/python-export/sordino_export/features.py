"""Preprocessing, flattened: one feature per column that the estimator sees, each from one input."""

import copy
import math

from .errors import Unsupported
from .values import category, kinds, plain

MIXES = "every feature must come from one column: use scaling, one-hot or ordinal encoding"


class Columns:
    """The features so far, through a chain of fitted transformers."""

    def __init__(self, names):
        self.names = names
        self.accepted = [None] * len(names)
        self.features = [{"input": index, "encoding": "number"} for index in range(len(names))]

    def inputs(self):
        """The inputs of the model."""
        known = zip(self.names, self.accepted)
        return [{"name": name} if values is None else {"name": name, "values": values} for name, values in known]

    def through(self, estimator):
        """Applies what stands before the estimator of a pipeline and returns that estimator."""
        while "Pipeline" in kinds(estimator):
            for _, step in estimator.steps[:-1]:
                self.features = self.apply(step, self.features)
            estimator = estimator.steps[-1][1]
        return estimator

    def apply(self, step, features):
        """The features after one transformer."""
        if step is None or step == "passthrough":
            return features
        if step == "drop":
            return []
        for kind in kinds(step):
            method = getattr(self, f"_{kind}", None)
            if method is not None:
                return method(step, features)
        if hasattr(step, "get_support"):
            kept = plain(step.get_support())
            return [feature for feature, keep in zip(features, kept) if keep]
        raise Unsupported(type(step).__name__, MIXES)

    def _Pipeline(self, step, features):
        for _, inner in step.steps:
            features = self.apply(inner, features)
        return features

    def _FeatureUnion(self, step, features):
        if step.transformer_weights:
            raise Unsupported("FeatureUnion(transformer_weights)", "scale with StandardScaler instead")
        return [made for _, inner in step.transformer_list for made in self.apply(inner, copy.deepcopy(features))]

    def _ColumnTransformer(self, step, features):
        if step.transformer_weights:
            raise Unsupported("ColumnTransformer(transformer_weights)", "scale with StandardScaler instead")
        names = getattr(step, "feature_names_in_", None)
        names = self.names if names is None else [str(name) for name in names]
        out = []
        for _, inner, chosen in step.transformers_:
            picked = [copy.deepcopy(features[index]) for index in _positions(chosen, names, len(features))]
            if picked:
                out += self.apply(inner, picked)
        return out

    def _FunctionTransformer(self, step, features):
        if step.func is not None:
            raise Unsupported("FunctionTransformer(func)", "compute the column before encryption")
        return features

    def _StandardScaler(self, step, features):
        return _scaled(features, step.mean_ if step.with_mean else None, step.scale_)

    def _RobustScaler(self, step, features):
        return _scaled(
            features,
            step.center_ if step.with_centering else None,
            step.scale_ if step.with_scaling else None,
        )

    def _MaxAbsScaler(self, step, features):
        return _scaled(features, None, step.scale_)

    def _MinMaxScaler(self, step, features):
        for feature, factor, offset in zip(features, plain(step.scale_), plain(step.min_)):
            _steps(feature).append({"affine": {"factor": factor, "offset": offset}})
            if step.clip:
                low, high = (float(end) for end in step.feature_range)
                _steps(feature).append({"clip": {"low": low, "high": high}})
        return features

    def _SimpleImputer(self, step, features):
        if step.add_indicator:
            raise Unsupported("SimpleImputer(add_indicator=True)", "add a 0/1 column to the table instead")
        for feature, stand_in in zip(features, plain(step.statistics_)):
            _raw(step, feature)
            stand_in = category(stand_in)
            if stand_in is not None:
                feature.setdefault("missing", stand_in)
        return features

    def _OneHotEncoder(self, step, features):
        dropped = getattr(step, "drop_idx_", None)
        dropped = [None] * len(features) if dropped is None else plain(dropped)
        rare = getattr(step, "infrequent_categories_", None) or [None] * len(features)
        out = []
        for feature, values, drop, few in zip(features, step.categories_, dropped, rare):
            _raw(step, feature)
            values = [category(value) for value in plain(values)]
            few = [] if few is None else [category(value) for value in plain(few)]
            if few and step.handle_unknown in ("infrequent_if_exist", "warn"):
                raise Unsupported(
                    f"OneHotEncoder(handle_unknown={step.handle_unknown!r}) with infrequent categories",
                    'use handle_unknown="ignore"',
                )
            if step.handle_unknown == "error":
                self._accept(feature, values)
            # The infrequent ones are one column, after the others.
            columns = [[value] for value in values if value not in few] + ([few] if few else [])
            gone = None if drop is None else values[drop]
            for column in columns:
                if drop is None or gone not in column:
                    out.append({**copy.deepcopy(feature), "encoding": {"one_of": {"values": column}}})
        return out

    def _OrdinalEncoder(self, step, features):
        lenient = step.handle_unknown == "use_encoded_value"
        unknown = float(step.unknown_value) if lenient else None
        if unknown is not None and math.isnan(unknown):
            raise Unsupported("OrdinalEncoder(unknown_value=nan)", "use unknown_value=-1")
        for feature, values in zip(features, step.categories_):
            _raw(step, feature)
            values = [category(value) for value in plain(values)]
            marker = getattr(step, "encoded_missing_value", math.nan)
            if None in values and not math.isnan(marker):
                raise Unsupported("OrdinalEncoder(encoded_missing_value)", "impute before encoding")
            known = [value for value in values if value is not None]
            feature["encoding"] = {"ordinal": {"values": known, "unknown": unknown}}
        return features

    def _KBinsDiscretizer(self, step, features):
        if not step.encode.startswith("onehot"):
            raise Unsupported("KBinsDiscretizer(encode='ordinal')", "use encode='onehot'")
        out = []
        for feature, edges in zip(features, step.bin_edges_):
            _raw(step, feature)
            inner = plain(edges)[1:-1]
            for low, high in zip([None, *inner], [*inner, None]):
                out.append({**copy.deepcopy(feature), "encoding": {"within": {"low": low, "high": high}}})
        return out

    def _accept(self, feature, values):
        """A column that may hold these values only; a missing one that is imputed is fine."""
        values = values + [None] if "missing" in feature and None not in values else values
        before = self.accepted[feature["input"]]
        self.accepted[feature["input"]] = values if before is None else [v for v in before if v in values]


def _steps(feature):
    return feature.setdefault("steps", [])


def _raw(step, feature):
    """Encoders and imputers look at the values of a column, not at what was made of them."""
    if feature["encoding"] != "number" or feature.get("steps"):
        raise Unsupported(f"{type(step).__name__} after another encoder or scaler", "encode or impute first")


def _scaled(features, centres, scales):
    centres = [0.0] * len(features) if centres is None else plain(centres)
    scales = [1.0] * len(features) if scales is None else plain(scales)
    for feature, centre, scale in zip(features, centres, scales):
        _steps(feature).append({"standard": {"centre": float(centre), "scale": float(scale)}})
    return features


def _positions(chosen, names, width):
    """Positions of the columns that a ColumnTransformer chose."""
    if isinstance(chosen, slice) and not isinstance(chosen.start, str) and not isinstance(chosen.stop, str):
        return list(range(width))[chosen]
    chosen = plain(chosen)
    chosen = chosen if isinstance(chosen, (list, tuple)) else [chosen]
    if chosen and all(isinstance(one, bool) for one in chosen):
        return [index for index, one in enumerate(chosen) if one]
    out = []
    for one in chosen:
        if isinstance(one, str):
            if one not in names:
                raise Unsupported(f"the column {one!r} of a ColumnTransformer", f"known are {names}")
            out.append(names.index(one))
        elif isinstance(one, int):
            out.append(one if one >= 0 else width + one)
        else:
            raise Unsupported(f"the column selection {chosen!r}", "name the columns in a list")
    return out
