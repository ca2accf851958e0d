"""Fits every kind of model on real tables and writes small fixtures for the Rust tests.

    python tests/make_fixtures.py

needs the packages of the extra `fixtures` and writes to `sdk/model/tests/fixtures`. A fixture holds the
export, twenty rows as texts, and what the library itself predicts for them.
"""

import base64
import json
import pathlib
import sys
import warnings

import lightgbm
import numpy as np
import pandas as pd
import skl2onnx
import xgboost
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn import ensemble, linear_model, naive_bayes, neural_network, svm, tree
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python-export"))
from sordino_export import export, scorecard  # noqa: E402

OUT = ROOT / "sdk" / "model" / "tests" / "fixtures"
DATA = ROOT / "tests" / "data"
ROWS = 20
SEED = 7


def breast_cancer():
    frame = pd.read_csv(DATA / "breast_cancer.csv")
    columns = ["mean_radius", "mean_texture", "mean_area", "mean_smoothness", "mean_concavity", "worst_perimeter"]
    return frame[columns], frame["diagnosis"]


def german_credit():
    frame = pd.read_csv(DATA / "german_credit.csv")
    columns = [
        "status_of_existing_checking_account", "duration_in_month", "purpose", "credit_amount",
        "installment_rate_in_percentage_of_disposable_income", "age_in_years", "housing",
    ]
    return frame[columns], frame["creditability"]


def actg175():
    frame = pd.read_csv(DATA / "actg175.csv")
    return frame[["age", "wtkg", "karnof", "cd40", "cd496", "gender", "arms"]], frame["cens"]


def text(value):
    """A cell as the source writes it; None for no value."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return repr(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def cells(frame):
    return [[text(value) for value in row] for row in frame.itertuples(index=False)]


def expected(model, frame, tolerance=1e-9):
    """What the library says of the rows."""
    predicted = model.predict(frame)
    out = {"tolerance": tolerance}
    if hasattr(model, "predict_proba"):
        out["probabilities"] = np.asarray(model.predict_proba(frame), dtype=float).tolist()
    elif hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(frame), dtype=float)
        out["scores"] = scores.reshape(len(frame), -1).tolist()
    if hasattr(model, "classes_"):
        classes = list(model.classes_)
        out["classes"] = [classes.index(value) for value in predicted]
    elif hasattr(model[-1] if hasattr(model, "steps") else model, "cluster_centers_"):
        out["classes"] = [int(value) for value in predicted]
        out["scores"] = (np.asarray(model.transform(frame), dtype=float) ** 2).tolist()
    else:
        out["numbers"] = [float(value) for value in predicted]
    return out


def write(name, frame, model=None, exported=None, expectation=None, **files):
    rows = frame.iloc[:: max(1, len(frame) // ROWS)].head(ROWS)
    if exported is None and not files:
        exported = export(model)
    if expectation is None:
        expectation = expected(model, rows)
    fixture = {"columns": list(rows.columns), "rows": cells(rows), "expected": expectation, **files}
    if exported is not None:
        fixture["export"] = exported
    (OUT / f"{name}.json").write_text(json.dumps(fixture, separators=(",", ":"), allow_nan=False) + "\n")


def credit_pipeline(estimator, numbers=StandardScaler, categories=None):
    """Numbers scaled, categories one-hot."""
    x, _ = german_credit()
    named = list(x.select_dtypes(exclude="number").columns)
    rest = [column for column in x.columns if column not in named]
    encoder = categories or OneHotEncoder(handle_unknown="ignore")
    scaler = numbers() if numbers else "passthrough"
    return make_pipeline(ColumnTransformer([("n", scaler, rest), ("c", encoder, named)]), estimator)


def linear():
    x, y = breast_cancer()
    target = x["worst_perimeter"]
    features = x.drop(columns="worst_perimeter")
    for name, model in {
        "linear_regression": linear_model.LinearRegression(),
        "ridge": make_pipeline(StandardScaler(), linear_model.Ridge(2.0)),
        "lasso": make_pipeline(MinMaxScaler(clip=True), linear_model.Lasso(0.5)),
    }.items():
        write(name, features, model.fit(features, target))
    write("logistic_breast_cancer", x, make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(x, y))
    write("linear_svm", x, make_pipeline(StandardScaler(), svm.LinearSVC(random_state=SEED)).fit(x, y))
    x, y = german_credit()
    write("logistic_german_credit", x, credit_pipeline(linear_model.LogisticRegression(max_iter=500)).fit(x, y))
    three = pd.cut(x["age_in_years"], [0, 30, 45, 100], labels=["young", "middle", "old"]).astype(str)
    x3 = x.drop(columns="age_in_years")
    named = list(x3.select_dtypes(exclude="number").columns)
    encode = ColumnTransformer([("c", OneHotEncoder(drop="first"), named)], remainder=StandardScaler())
    write("logistic_three_classes", x3, make_pipeline(encode, linear_model.LogisticRegression(max_iter=500)).fit(x3, three))
    write("sgd_three_classes", x3, make_pipeline(encode, linear_model.SGDClassifier(loss="log_loss", random_state=SEED)).fit(x3, three))
    counts = x["duration_in_month"] // 6
    xp = x.drop(columns="duration_in_month")
    named = list(xp.select_dtypes(exclude="number").columns)
    encode = ColumnTransformer(
        [("c", OneHotEncoder(handle_unknown="ignore", min_frequency=60), named),
         ("b", KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), ["age_in_years"]),
         ("s", StandardScaler(), ["credit_amount"])])
    write("poisson", xp, make_pipeline(encode, linear_model.PoissonRegressor()).fit(xp, counts))
    x, y = actg175()
    encode = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    write("logistic_imputed", x, make_pipeline(encode, linear_model.LogisticRegression()).fit(x, y))


def points():
    x, _ = german_credit()
    card = scorecard(
        {
            "duration_in_month": [{"high": 12, "points": 30}, {"low": 12, "high": 24, "points": 10}, {"low": 24, "points": -15}],
            "housing": [{"values": ["own"], "points": 12}, {"values": ["rent", "for free"], "points": -8}],
        },
        base=500, above=505, classes=["bad", "good"],
    )
    rows = x.iloc[:: len(x) // ROWS].head(ROWS)
    scores = []
    for _, row in rows.iterrows():
        months = row["duration_in_month"]
        score = 500 + (30 if months < 12 else 10 if months < 24 else -15) + (12 if row["housing"] == "own" else -8)
        scores.append([float(score)])
    classes = [int(score[0] > 505) for score in scores]
    columns = ["duration_in_month", "housing"]
    write("scorecard", x[columns], exported=card, expectation={"tolerance": 1e-9, "scores": scores, "classes": classes})


def bayes():
    x, y = breast_cancer()
    write("gaussian_nb", x, naive_bayes.GaussianNB().fit(x, y))
    x, y = german_credit()
    named = list(x.select_dtypes(exclude="number").columns)
    model = make_pipeline(OrdinalEncoder(), naive_bayes.CategoricalNB()).fit(x[named], y)
    write("categorical_nb", x[named], model)


def trees():
    x, y = breast_cancer()
    fits = {
        "decision_tree": tree.DecisionTreeClassifier(max_depth=4, random_state=SEED),
        "random_forest": ensemble.RandomForestClassifier(6, max_depth=4, random_state=SEED),
        "extra_trees": ensemble.ExtraTreesClassifier(6, max_depth=4, random_state=SEED),
        "gradient_boosting": ensemble.GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=SEED),
        "gradient_boosting_exponential": ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=4, random_state=SEED),
        "hist_gradient_boosting": ensemble.HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=8),
    }
    for name, model in fits.items():
        write(name, x, model.fit(x, y))
    target, features = x["worst_perimeter"], x.drop(columns="worst_perimeter")
    for name, model in {
        "decision_tree_regressor": tree.DecisionTreeRegressor(max_depth=4, random_state=SEED),
        "random_forest_regressor": ensemble.RandomForestRegressor(5, max_depth=4, random_state=SEED),
        "gradient_boosting_regressor": ensemble.GradientBoostingRegressor(n_estimators=6, random_state=SEED),
    }.items():
        write(name, features, model.fit(features, target))
    x, y = german_credit()
    write("tree_german_credit", x, credit_pipeline(tree.DecisionTreeClassifier(max_depth=4, random_state=SEED), None).fit(x, y))
    three = pd.cut(x["age_in_years"], [0, 30, 45, 100], labels=["young", "middle", "old"]).astype(str)
    x3 = x.drop(columns="age_in_years")
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = credit_pipeline(ensemble.GradientBoostingClassifier(n_estimators=4, max_depth=3, random_state=SEED), None, ordinal)
    model[0].transformers[0] = ("n", "passthrough", [c for c in x3.select_dtypes("number").columns])
    write("gradient_boosting_three_classes", x3, model.fit(x3, three))
    x, y = actg175()
    write("tree_missing", x, tree.DecisionTreeClassifier(max_depth=5, random_state=SEED).fit(x, y))


def boosters():
    # XGBoost adds in 32 bits; LightGBM adds in 64.
    x, y = breast_cancer()
    codes = (y == "malignant").astype(int)
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3).fit(x, codes)
    rows = x.iloc[:: len(x) // ROWS].head(ROWS)
    raw = bytes(model.get_booster().save_raw("json")).decode()
    write("xgboost", x, model, export(model), expected(model, rows, 2e-6), xgboost=json.loads(raw))
    model = lightgbm.LGBMClassifier(n_estimators=6, num_leaves=7, verbose=-1).fit(x, codes)
    write("lightgbm", x, model, export(model), lightgbm=model.booster_.model_to_string().split("\nparameters:")[0], dump=model.booster_.dump_model())
    target, features = x["worst_perimeter"], x.drop(columns="worst_perimeter")
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=3).fit(features, target)
    frame = features.iloc[:: len(x) // ROWS].head(ROWS)
    write("xgboost_regressor", features, model, export(model), expected(model, frame, 2e-6))
    x, y = german_credit()
    three = pd.cut(x["age_in_years"], [0, 30, 45, 100], labels=False)
    x3 = x.drop(columns="age_in_years")
    named = list(x3.select_dtypes(exclude="number").columns)
    encode = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), named)], remainder="passthrough", sparse_threshold=0)
    model = make_pipeline(encode, xgboost.XGBClassifier(n_estimators=3, max_depth=3)).fit(x3, three)
    rows = x3.iloc[:: len(x3) // ROWS].head(ROWS)
    write("xgboost_pipeline", x3, model, export(model), expected(model, rows, 2e-6))
    categories = x3.copy()
    for column in named:
        categories[column] = categories[column].astype("category")
    model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=7, verbose=-1).fit(categories, three)
    rows = categories.iloc[:: len(x3) // ROWS].head(ROWS)
    write("lightgbm_categories", x3, model, export(model), expected(model, rows))
    counts = x["duration_in_month"] // 6
    x = x[["credit_amount", "age_in_years"]]
    model = lightgbm.LGBMRegressor(objective="poisson", n_estimators=4, num_leaves=5, verbose=-1).fit(x, counts)
    write("lightgbm_poisson", x, model)
    x, y = actg175()
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=3).fit(x, y)
    rows = x.iloc[:: len(x) // ROWS].head(ROWS)
    write("xgboost_missing", x, model, export(model), expected(model, rows, 2e-6))
    write("lightgbm_missing", x, lightgbm.LGBMClassifier(n_estimators=4, num_leaves=6, verbose=-1).fit(x, y))


def others():
    x, y = breast_cancer()
    write("k_means", x, make_pipeline(StandardScaler(), KMeans(3, n_init=3, random_state=SEED)).fit(x))
    write("mlp", x, make_pipeline(StandardScaler(), neural_network.MLPClassifier((8, 4), max_iter=400, random_state=SEED)).fit(x, y))
    target, features = x["worst_perimeter"], x.drop(columns="worst_perimeter")
    model = neural_network.MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=800, random_state=SEED)
    write("mlp_regressor", features, make_pipeline(StandardScaler(), model).fit(features, target))
    networks()


def networks():
    """Of one hidden layer, as they can be served on encrypted rows."""
    x, y = breast_cancer()
    network = lambda units, activation: neural_network.MLPClassifier(
        (units,), activation=activation, alpha=1.0, max_iter=2000, random_state=SEED
    )
    write("network_breast_cancer", x, make_pipeline(StandardScaler(), network(8, "tanh")).fit(x, y))
    three = pd.cut(x["mean_radius"], 3, labels=["s", "m", "l"]).astype(str)
    features = x.drop(columns="mean_radius")
    write("network_three_classes", features, make_pipeline(StandardScaler(), network(6, "logistic")).fit(features, three))
    x, y = german_credit()
    write("network_german_credit", x, credit_pipeline(network(12, "relu")).fit(x, y))


def onnx(model, frame, named=False):
    """The bytes of the ONNX model: one input per column, or one for all (numbers only)."""
    options = None
    last = model[-1] if hasattr(model, "steps") else model
    if hasattr(last, "predict_proba") and "SVC" not in type(last).__name__:
        options = {id(last): {"zipmap": False}}
    if named:
        kind = lambda column: FloatTensorType([None, 1]) if frame[column].dtype.kind in "if" else StringTensorType([None, 1])
        types = [(column, kind(column)) for column in frame.columns]
    else:
        types = [("X", FloatTensorType([None, len(frame.columns)]))]
    made = skl2onnx.convert_sklearn(model, initial_types=types, options=options)
    return base64.b64encode(made.SerializeToString()).decode()


def onnx_fixtures():
    x, y = breast_cancer()
    target, features = x["worst_perimeter"], x.drop(columns="worst_perimeter")
    codes = pd.cut(x["mean_radius"], 3, labels=["s", "m", "l"]).astype(str)
    scale = StandardScaler
    fits = {
        # Not in a pipeline: the converter fails on that.
        "svm": (x / 100, y, svm.LinearSVC(random_state=SEED)),
        "linear": (features, target, linear_model.LinearRegression()),
        "poisson": (features / 100, (target // 20).astype(int), linear_model.PoissonRegressor()),
        "logistic": (x, y, make_pipeline(scale(), linear_model.LogisticRegression())),
        "logistic_three": (features / 100, codes, linear_model.LogisticRegression()),
        "gaussian": (x, y, naive_bayes.GaussianNB()),
        "tree": (x, y, tree.DecisionTreeClassifier(max_depth=3, random_state=SEED)),
        "tree_regressor": (features, target, tree.DecisionTreeRegressor(max_depth=3, random_state=SEED)),
        "forest": (x, y, ensemble.RandomForestClassifier(4, max_depth=3, random_state=SEED)),
        "forest_three": (features, codes, ensemble.RandomForestClassifier(3, max_depth=3, random_state=SEED)),
        "boosting": (x, y, ensemble.GradientBoostingClassifier(n_estimators=3, random_state=SEED)),
        "boosting_regressor": (features, target, ensemble.GradientBoostingRegressor(n_estimators=3, random_state=SEED)),
        "k_means": (x, None, make_pipeline(scale(), KMeans(3, n_init=3, random_state=SEED))),
        "mlp": (x, y, make_pipeline(MinMaxScaler(), neural_network.MLPClassifier((4,), max_iter=300, random_state=SEED))),
        "mlp_regressor": (features, target, make_pipeline(scale(), neural_network.MLPRegressor(hidden_layer_sizes=(4,), random_state=SEED))),
    }
    for name, (frame, label, model) in fits.items():
        # The converters are known to write 32-bit numbers, so that much is expected of the result.
        model.fit(frame, label)
        rows = frame.iloc[:: len(frame) // ROWS].head(ROWS)
        bare = frame.rename(columns=dict(zip(frame.columns, range(len(frame.columns)))))
        write(f"onnx_{name}", frame, model, expectation=expected(model, rows, 2e-4), onnx=onnx(model, bare))
    x, y = german_credit()
    model = credit_pipeline(linear_model.LogisticRegression(max_iter=500)).fit(x, y)
    rows = x.iloc[:: len(x) // ROWS].head(ROWS)
    write("onnx_pipeline", x, expectation=expected(model, rows, 2e-4), onnx=onnx(model, x, named=True))
    named = list(x.select_dtypes(exclude="number").columns)
    model = credit_pipeline(tree.DecisionTreeClassifier(max_depth=4, random_state=SEED), MinMaxScaler, OrdinalEncoder()).fit(x, y)
    write("onnx_ordinal_tree", x, expectation=expected(model, rows, 2e-4), onnx=onnx(model, x, named=True))
    coded = pd.DataFrame(OrdinalEncoder().fit_transform(x[named]).astype(int), columns=named)
    model = naive_bayes.CategoricalNB().fit(coded, y)
    rows = coded.iloc[:: len(x) // ROWS].head(ROWS)
    write("onnx_categorical", coded, expectation=expected(model, rows, 2e-4), onnx=onnx(model, coded))
    x, y = actg175()
    model = make_pipeline(SimpleImputer(), scale(), linear_model.LogisticRegression()).fit(x, y)
    rows = x.iloc[:: len(x) // ROWS].head(ROWS)
    write("onnx_imputed", x, expectation=expected(model, rows, 2e-4), onnx=onnx(model, x))


def main():
    warnings.filterwarnings("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for part in (linear, points, bayes, trees, boosters, others, onnx_fixtures):
        part()
    total = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{len(list(OUT.iterdir()))} fixtures, {total / 1000:.0f} kB")


if __name__ == "__main__":
    main()
