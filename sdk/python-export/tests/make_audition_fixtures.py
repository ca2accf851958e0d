"""Fits every kind of model on three tables, for the auditions of the Rust tests.

    python tests/make_audition_fixtures.py

needs the packages of the extra `fixtures` and writes to `sdk/model/tests/auditions`. A file holds the
schema that an owner publishes (numbers in buckets that hold equally many rows), and for every kind of
model what it predicts and its export. The rows are those of `tests/data`; the Rust test evaluates all.
"""

import json
import pathlib
import sys
import warnings

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn import ensemble, linear_model, naive_bayes, neural_network, svm, tree
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python-export"))
from sordino_export import export, scorecard  # noqa: E402

OUT = ROOT / "sdk" / "model" / "tests" / "auditions"
DATA = ROOT / "tests" / "data"
SEED = 7
BUCKETS = 16

# Columns that models read, the class, another class of several values, a number, and a count.
TABLES = {
    "german_credit": {
        "inputs": ["status_of_existing_checking_account", "duration_in_month", "purpose", "age_in_years", "savings_account_and_bonds", "job"],
        "few": ["status_of_existing_checking_account", "duration_in_month"],
        "class": "creditability", "classes": "housing", "number": "credit_amount",
        "count": "installment_rate_in_percentage_of_disposable_income",
    },
    "breast_cancer": {
        "inputs": ["mean_texture", "mean_area", "mean_smoothness", "mean_concavity", "worst_symmetry"],
        "few": ["mean_texture", "mean_concavity"],
        "class": "diagnosis", "classes": None, "number": "worst_perimeter", "count": "mean_radius",
    },
    "actg175": {
        "inputs": ["age", "wtkg", "cd40", "cd80", "gender", "symptom", "offtrt"],
        "few": ["age", "cd40", "offtrt"],
        "class": "cens", "classes": "arms", "number": "cd420", "count": "karnof",
    },
}


def places(values):
    texts = [repr(float(value)) for value in values]
    return max((len(text.split(".")[1]) if not text.endswith(".0") else 0) for text in texts)


def column(frame, name, measure, dimension=True):
    """A column of the schema."""
    values = frame[name]
    described = {"name": name}
    if values.dtype.kind not in "if":
        described["dimension"] = {"kind": "category", "values": sorted(values.unique().tolist())}
        return described
    scale = places(values)
    units = np.round(values * 10**scale).astype(int)
    low, high = int(units.min()), int(units.max())
    if dimension and len(set(units)) <= BUCKETS and scale == 0:
        described["dimension"] = {"kind": "integer", "min": low, "max": high}
    elif dimension:
        edges = sorted({low, *np.quantile(units, np.linspace(0, 1, BUCKETS + 1)[1:-1]).astype(int).tolist(), high + 1})
        described["dimension"] = {"kind": "buckets", "scale": scale, "edges": edges}
    if measure:
        described["measure"] = {"scale": scale, "min": low, "max": high}
    return described


def encoded(x, estimator, scaled=True):
    """Numbers scaled, texts one-hot."""
    named = list(x.select_dtypes(exclude="number").columns)
    rest = [name for name in x.columns if name not in named]
    steps = [("n", StandardScaler() if scaled else "passthrough", rest)]
    if named:
        steps.append(("c", OneHotEncoder(handle_unknown="ignore"), named))
    return make_pipeline(ColumnTransformer(steps, sparse_threshold=0), estimator)


def fits(frame, table):
    """By kind: what is predicted, and the fitted model."""
    x, few, y = frame[table["inputs"]], frame[table["few"]], frame[table["class"]]
    classes, number, count = table["classes"], table["number"], table["count"]
    codes = pd.factorize(y, sort=True)[0]
    yield "linear_regression", number, encoded(x, linear_model.LinearRegression()).fit(x, frame[number])
    yield "ridge", number, encoded(x, linear_model.Ridge(2.0)).fit(x, frame[number])
    yield "lasso", number, encoded(x, linear_model.Lasso(0.5)).fit(x, frame[number])
    yield "decision_tree_regressor", number, encoded(x, tree.DecisionTreeRegressor(max_depth=4, random_state=SEED), False).fit(x, frame[number])
    yield "poisson", count, encoded(few, linear_model.PoissonRegressor()).fit(few, frame[count])
    yield "poisson_of_many_inputs", count, encoded(x, linear_model.PoissonRegressor()).fit(x, frame[count])
    forest = {"max_depth": 4, "random_state": SEED}
    trees = ensemble.RandomForestRegressor(12, **forest)
    yield "random_forest_regressor", count, encoded(x, trees, False).fit(x, frame[count])
    small = neural_network.MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=800, random_state=SEED)
    yield "mlp_regressor", count, encoded(few, small).fit(few, frame[count])
    two = {
        "logistic_regression": encoded(x, linear_model.LogisticRegression(max_iter=500)),
        "linear_svm": encoded(x, svm.LinearSVC(random_state=SEED)),
        "decision_tree": encoded(x, tree.DecisionTreeClassifier(**forest), False),
        "random_forest": encoded(x, ensemble.RandomForestClassifier(30, **forest), False),
        "extra_trees": encoded(x, ensemble.ExtraTreesClassifier(30, **forest), False),
        "gradient_boosting": encoded(x, ensemble.GradientBoostingClassifier(n_estimators=20, max_depth=3, random_state=SEED), False),
    }
    for kind, model in two.items():
        yield kind, table["class"], model.fit(x, y)
    mlp = neural_network.MLPClassifier(hidden_layer_sizes=(6,), max_iter=500, random_state=SEED)
    yield "mlp", table["class"], encoded(few, mlp).fit(few, y)
    mlp = neural_network.MLPClassifier(hidden_layer_sizes=(6,), max_iter=500, random_state=SEED)
    yield "mlp_of_many_inputs", table["class"], encoded(x, mlp).fit(x, y)
    boosted = xgboost.XGBClassifier(n_estimators=50, max_depth=4, learning_rate=0.2)
    yield "xgboost", table["class"], encoded(x, boosted, False).fit(x, codes)
    light = lightgbm.LGBMClassifier(n_estimators=30, num_leaves=10, max_depth=4, verbose=-1)
    yield "lightgbm", table["class"], encoded(x, light, False).fit(x, codes)
    numbers = x.select_dtypes("number")
    yield "gaussian_naive_bayes", table["class"], naive_bayes.GaussianNB().fit(numbers, y)
    texts = [name for name in x.columns if x[name].dtype.kind == "O" or x[name].nunique() <= BUCKETS]
    if texts:
        model = make_pipeline(OrdinalEncoder(), naive_bayes.CategoricalNB()).fit(x[texts], y)
        yield "categorical_naive_bayes", table["class"], model
    yield "k_means", table["class"], make_pipeline(StandardScaler(), KMeans(3, n_init=3, random_state=SEED)).fit(numbers)
    if classes:
        z = frame[classes]
        yield "logistic_of_several_classes", classes, encoded(x, linear_model.LogisticRegression(max_iter=500)).fit(x, z)
        yield "linear_svm_of_several_classes", classes, encoded(x, svm.LinearSVC(random_state=SEED)).fit(x, z)
        yield "naive_bayes_of_several_classes", classes, naive_bayes.GaussianNB().fit(numbers, z)
        booster = ensemble.GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=SEED)
        yield "gradient_boosting_of_several_classes", classes, encoded(x, booster, False).fit(x, z)
        light = lightgbm.LGBMClassifier(n_estimators=5, num_leaves=4, max_depth=2, verbose=-1)
        yield "lightgbm_of_several_classes", classes, encoded(x, light, False).fit(x, pd.factorize(z, sort=True)[0])


def card(frame, table):
    """Points for the first column of numbers: more for what is above its median."""
    name = frame[table["inputs"]].select_dtypes("number").columns[0]
    middle = float(frame[name].median())
    classes = [str(value) for value in sorted(frame[table["class"]].unique())]
    bins = [{"high": middle, "points": 10}, {"low": middle, "points": -10}]
    return scorecard({name: bins}, base=100, above=95, classes=classes)


def shortened(value):
    """Numbers with nine digits: these are models of their own."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    return [shortened(inner) for inner in value] if isinstance(value, list) else value


def main():
    warnings.filterwarnings("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        frame = pd.read_csv(DATA / f"{name}.csv")
        labels = [table["class"], *([table["classes"]] if table["classes"] else [])]
        numbers = [table["number"], table["count"]]
        columns = [column(frame, each, True) for each in table["inputs"]]
        columns += [column(frame, each, False) for each in labels]
        # A number of few values is a dimension, too.
        columns += [column(frame, each, True, frame[each].nunique() <= BUCKETS) for each in numbers]
        models = {}
        for kind, label, model in fits(frame, table):
            models[kind] = {"label": label, "export": shortened(export(model))}
        models["scorecard"] = {"label": table["class"], "export": card(frame, table)}
        for kind in ("xgboost", "lightgbm", "lightgbm_of_several_classes"):
            if kind in models:
                of = models[kind]["label"]
                models[kind]["export"]["classes"] = [str(value) for value in sorted(frame[of].unique())]
        schema = {"table": name, "column": columns}
        text = json.dumps({"schema": schema, "models": models}, separators=(",", ":"), allow_nan=False)
        (OUT / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(models)} models, {len(text) / 1000:.0f} kB")
        for kind, model in models.items():
            print(f"  {kind}: {len(json.dumps(model)) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
