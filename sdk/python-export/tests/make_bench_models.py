"""Fits the models whose encrypted predictions `sordino-server bench models` times.

    python tests/make_bench_models.py

needs the packages of the extra `fixtures` and writes `peers.json` and `networks.json` to
`backend/server/src/bench/models`. The former are those of `tests/peers/concrete_ml.py`: the same rows of breast_cancer (every fourth is for testing),
all 30 columns, the same options; the latter are networks of one hidden layer. A model stands with its accuracy on the rows for testing, as its own
library predicts them.
"""

import json
import pathlib
import sys

import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python-export"))
from sordino_export import export  # noqa: E402

OUT = ROOT / "backend" / "server" / "src" / "bench" / "models"
SEED = 7


def main():
    frame = pd.read_csv(ROOT / "tests" / "data" / "breast_cancer.csv")
    features, labels = frame.drop(columns="diagnosis"), frame["diagnosis"]
    codes = (labels == "malignant").astype(int)
    models = {
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), labels),
        "tree_depth4": (DecisionTreeClassifier(max_depth=4, random_state=SEED), labels),
        "xgboost50_depth4": (xgboost.XGBClassifier(n_estimators=50, max_depth=4, random_state=SEED), codes),
    }
    write("peers", {name: fitted(model, features, target) for name, (model, target) in models.items()})


def networks():
    written = {}
    for table, label, units, activation in [
        ("breast_cancer", "diagnosis", 12, "tanh"),
        ("german_credit", "creditability", 16, "relu"),
    ]:
        frame = pd.read_csv(ROOT / "tests" / "data" / f"{table}.csv")
        features, labels = frame.drop(columns=label), frame[label]
        numbers = list(features.select_dtypes("number").columns)
        texts = [column for column in features if column not in numbers]
        prepared = ColumnTransformer(
            [("n", StandardScaler(), numbers), ("c", OneHotEncoder(handle_unknown="ignore"), texts)]
        )
        network = MLPClassifier((units,), activation=activation, alpha=3.0, max_iter=3000, random_state=SEED)
        written[table] = {"label": label, **fitted(make_pipeline(prepared, network), features, labels)}
    write("networks", written)


def fitted(model, features, target):
    test = features.index % 4 == 0
    model.fit(features[~test], target[~test])
    accuracy = float((model.predict(features[test]) == target[test]).mean())
    print(type(model).__name__, accuracy)
    return {"accuracy": accuracy, "export": export(model)}


def write(name, models):
    (OUT / f"{name}.json").write_text(json.dumps(models, separators=(",", ":"), allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
    networks()
