"""Fits models with scikit-learn on real tables and writes what the trainers in Rust are compared with.

    python tests/make_training_fixtures.py

needs the packages of the extra `fixtures` and writes `sdk/model/tests/training.json`. A case holds the
public schema that an owner would publish, the task, and how well scikit-learn's model predicts the rows
it was fitted to. Where a dimension has buckets, both sides see the buckets.
"""

import json
import pathlib

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, naive_bayes, tree
from sklearn.cluster import KMeans
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import OrdinalEncoder

ROOT = pathlib.Path(__file__).resolve().parents[3]
OUT = ROOT / "sdk" / "model" / "tests" / "training.json"
DATA = ROOT / "tests" / "data"
CASES = {}


def read(table):
    # Texts as they stand, so that decimal places can be counted.
    return pd.read_csv(DATA / f"{table}.csv", dtype=str, keep_default_na=False)


def places(texts):
    return max((len(text.split(".")[1]) for text in texts if "." in text), default=0)


def units(texts):
    scale = places(texts)
    return scale, [int(round(float(text) * 10**scale)) for text in texts]


def measure(texts):
    scale, values = units(texts)
    return {"measure": {"scale": scale, "min": min(values), "max": max(values)}}


def category(texts):
    return {"dimension": {"kind": "category", "values": sorted(set(texts))}}


def integer(texts):
    values = [int(text) for text in texts]
    return {"dimension": {"kind": "integer", "min": min(values), "max": max(values)}}


def buckets(count):
    """As many buckets, each of about as many rows."""

    def described(texts):
        scale, values = units(texts)
        inner = np.quantile(values, np.linspace(0, 1, count + 1)[1:-1])
        edges = sorted({min(values), *(int(edge) for edge in inner if edge > min(values)), max(values) + 1})
        return {"dimension": {"kind": "buckets", "scale": scale, "edges": edges}}

    return described


def both(one, other):
    return lambda texts: {**one(texts), **other(texts)}


def codes(described, texts):
    """The code of each value of a dimension of numbers."""
    _, values = units(texts)
    if described["dimension"]["kind"] == "integer":
        return np.array(values) - described["dimension"]["min"]
    return np.searchsorted(described["dimension"]["edges"], values, side="right") - 1


def case(name, table, columns, label, method, fit):
    """`columns` says how each column is published; the label is among them. `fit` gets the texts of the
    columns and their descriptions, and gives what is expected."""
    frame = read(table)
    used = list(columns)
    complete = (frame[used] != "NA").all(axis=1)
    described = {}
    for column in used:
        texts = [text for text in frame[column] if text != "NA"]
        described[column] = {"name": column, "nullable": bool((frame[column] == "NA").any()), **columns[column](texts)}
    expected = fit(frame[complete][used], described)
    inputs = [column for column in used if column != label]
    task = {"inputs": inputs, "method": method}
    if label is not None:
        task["label"] = label
    schema = {"table": table, "column": list(described.values())}
    CASES[name] = {"table": table, "schema": schema, "task": task, "expected": expected}


def numbers(frame, columns):
    return frame[columns].astype(float).to_numpy()


def design(frame, described, label, drop_first):
    """Measures as they are, categories one-hot."""
    blocks = []
    for column in frame.columns:
        if column == label:
            continue
        if "measure" in described[column]:
            blocks.append(numbers(frame, [column]))
        else:
            values = described[column]["dimension"]["values"][int(drop_first):]
            blocks.append(np.array([[float(text == value) for value in values] for text in frame[column]]))
    return np.hstack(blocks)


def regression(model, label, drop_first=True):
    def fit(frame, described):
        x, y = design(frame, described, label, drop_first), frame[label].astype(float)
        model.fit(x, y)
        return {"r2": r2_score(y, model.predict(x)), "weights": model.coef_.tolist(), "intercept": model.intercept_}

    return fit


def classifier(model, label, encode):
    def fit(frame, described):
        x, y = encode(frame.drop(columns=[label]), described), frame[label]
        model.fit(x, y)
        return {"accuracy": accuracy_score(y, model.predict(x))}

    return fit


def regressor(model, label, encode):
    def fit(frame, described):
        x, y = encode(frame.drop(columns=[label]), described), frame[label].astype(float)
        model.fit(x, y)
        return {"r2": r2_score(y, model.predict(x))}

    return fit


def raw(frame, described):
    return frame.astype(float).to_numpy()


def ordinal(frame, described):
    return OrdinalEncoder(categories=[described[c]["dimension"]["values"] for c in frame]).fit_transform(frame)


def mixed(frame, described):
    """Codes of numbers, categories one-hot: what a tree sees."""
    blocks = []
    for column in frame.columns:
        dimension = described[column]["dimension"]
        if dimension["kind"] == "category":
            blocks.append(np.array([[float(t == v) for v in dimension["values"]] for t in frame[column]]))
        else:
            blocks.append(codes(described[column], frame[column])[:, None])
    return np.hstack(blocks)


def scaled_raw(frame, described):
    """Numbers as they are, categories one-hot."""
    blocks = []
    for column in frame.columns:
        dimension = described[column].get("dimension")
        if dimension and dimension["kind"] == "category":
            blocks.append(np.array([[float(t == v) for v in dimension["values"]] for t in frame[column]]))
        else:
            blocks.append(numbers(frame, [column]))
    return np.hstack(blocks)


CREDIT = {"credit_amount": measure, "duration_in_month": measure, "age_in_years": measure, "housing": category, "property": category}
case("linear_german_credit", "german_credit", CREDIT, "credit_amount", {"linear": {}}, regression(linear_model.LinearRegression(), "credit_amount"))
TRIAL = {c: measure for c in ("cd420", "cd40", "cd80", "age", "wtkg", "karnof")}
case("linear_actg175", "actg175", TRIAL, "cd420", {"linear": {}}, regression(linear_model.LinearRegression(), "cd420"))
case("linear_missing", "actg175", {**{c: measure for c in ("cd496", "cd40", "age")}, "arms": category}, "cd496", {"linear": {}}, regression(linear_model.LinearRegression(), "cd496"))
CELLS = {c: measure for c in ("mean_area", "mean_radius", "mean_texture", "mean_smoothness", "mean_concavity", "mean_symmetry", "mean_fractal_dimension")}
case("linear_breast_cancer", "breast_cancer", CELLS, "mean_area", {"linear": {}}, regression(linear_model.LinearRegression(), "mean_area"))
case("ridge_german_credit", "german_credit", CREDIT, "credit_amount", {"linear": {"ridge": 10.0}}, regression(linear_model.Ridge(10.0), "credit_amount", False))

TUMOUR = ["mean_radius", "mean_texture", "mean_area", "mean_smoothness", "mean_concavity", "worst_perimeter"]
case("gaussian_breast_cancer", "breast_cancer", {**{c: measure for c in TUMOUR}, "diagnosis": category}, "diagnosis", {"gaussian_bayes": {}}, classifier(naive_bayes.GaussianNB(), "diagnosis", raw))
case("gaussian_actg175", "actg175", {**{c: measure for c in ("age", "wtkg", "cd40", "cd420")}, "cens": integer}, "cens", {"gaussian_bayes": {}}, classifier(naive_bayes.GaussianNB(), "cens", raw))

LOAN = ["status_of_existing_checking_account", "credit_history", "purpose", "savings_account_and_bonds", "housing", "property"]
case("categorical_german_credit", "german_credit", {**{c: category for c in LOAN}, "creditability": category}, "creditability", {"categorical_bayes": {}}, classifier(naive_bayes.CategoricalNB(), "creditability", ordinal))
case("categorical_buckets", "breast_cancer", {**{c: buckets(8) for c in TUMOUR}, "diagnosis": category}, "diagnosis", {"categorical_bayes": {}}, classifier(naive_bayes.CategoricalNB(), "diagnosis", mixed))

case("tree_breast_cancer", "breast_cancer", {**{c: buckets(12) for c in TUMOUR}, "diagnosis": category}, "diagnosis", {"tree": {"max_depth": 4, "thresholds": 64}}, classifier(tree.DecisionTreeClassifier(max_depth=4, random_state=0), "diagnosis", mixed))
BORROWER = {"status_of_existing_checking_account": category, "duration_in_month": buckets(8), "purpose": category, "credit_amount": buckets(10), "age_in_years": buckets(8), "housing": category}
case("tree_german_credit", "german_credit", {**BORROWER, "creditability": category}, "creditability", {"tree": {"criterion": "entropy", "max_depth": 4, "min_samples_leaf": 10}}, classifier(tree.DecisionTreeClassifier(criterion="entropy", max_depth=4, min_samples_leaf=10, random_state=0), "creditability", mixed))
case("tree_actg175", "actg175", {"cd420": measure, **{c: buckets(10) for c in ("cd40", "cd80", "age", "wtkg")}, "arms": integer}, "cd420", {"tree": {"criterion": "squared_error", "max_depth": 5, "min_samples_leaf": 20}}, regressor(tree.DecisionTreeRegressor(max_depth=5, min_samples_leaf=20, random_state=0), "cd420", mixed))

case("boosted_breast_cancer", "breast_cancer", {**{c: buckets(6) for c in TUMOUR[:5]}, "diagnosis": category}, "diagnosis", {"boosted": {"trees": 30, "max_depth": 2, "max_cells": 1024}}, classifier(ensemble.GradientBoostingClassifier(n_estimators=30, max_depth=2, random_state=0), "diagnosis", mixed))
case("boosted_german_credit", "german_credit", {**{c: BORROWER[c] for c in ("status_of_existing_checking_account", "purpose", "housing")}, "duration_in_month": buckets(6), "creditability": category}, "creditability", {"boosted": {"trees": 40, "max_depth": 1, "max_cells": 512}}, classifier(ensemble.GradientBoostingClassifier(n_estimators=40, max_depth=1, random_state=0), "creditability", mixed))
case("boosted_actg175", "actg175", {"cd420": measure, **{c: buckets(8) for c in ("cd40", "cd80", "age")}, "arms": integer}, "cd420", {"boosted": {"loss": "squared_error", "trees": 40, "max_depth": 2, "max_cells": 1024}}, regressor(ensemble.GradientBoostingRegressor(n_estimators=40, max_depth=2, random_state=0), "cd420", mixed))

case("logistic_german_credit", "german_credit", {"status_of_existing_checking_account": category, "duration_in_month": both(buckets(16), measure), "housing": category, "property": category, "creditability": category}, "creditability", {"logistic": {}}, classifier(linear_model.LogisticRegression(max_iter=5000), "creditability", scaled_raw))
case("logistic_breast_cancer", "breast_cancer", {"mean_radius": both(buckets(16), measure), "mean_texture": both(buckets(16), measure), "mean_concavity": both(buckets(12), measure), "diagnosis": category}, "diagnosis", {"logistic": {}}, classifier(linear_model.LogisticRegression(max_iter=5000), "diagnosis", scaled_raw))
case("poisson_german_credit", "german_credit", {"number_of_existing_credits_at_this_bank": measure, "credit_history": category, "age_in_years": both(buckets(16), measure), "duration_in_month": both(buckets(16), measure)}, "number_of_existing_credits_at_this_bank", {"poisson": {"alpha": 0.01}}, regressor(linear_model.PoissonRegressor(alpha=0.01, max_iter=5000), "number_of_existing_credits_at_this_bank", scaled_raw))


def clusters(frame, described):
    model = KMeans(3, n_init=10, random_state=0).fit(raw(frame, described))
    return {"inertia": model.inertia_}


case("k_means_actg175", "actg175", {"cd40": both(buckets(48), measure), "cd80": both(buckets(48), measure)}, None, {"k_means": {"clusters": 3, "bins": 48, "max_iter": 50}}, clusters)

OUT.write_text(json.dumps(CASES, separators=(",", ":")) + "\n", encoding="utf-8")
for name, made in CASES.items():
    print(name, {key: value for key, value in made["expected"].items() if not isinstance(value, list)})
