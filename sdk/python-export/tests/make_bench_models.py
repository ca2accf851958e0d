"""Fits the models whose encrypted predictions `sordino-server bench models` times.

    python tests/make_bench_models.py

needs the packages of the extra `fixtures` and writes `backend/server/src/bench/models/peers.json`. They
are those of `tests/peers/concrete_ml.py`: the same rows of breast_cancer (every fourth is for testing),
all 30 columns, the same options. A model stands with its accuracy on the rows for testing, as its own
library predicts them.
"""

import json
import pathlib
import sys

import pandas as pd
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python-export"))
from sordino_export import export  # noqa: E402

OUT = ROOT / "backend" / "server" / "src" / "bench" / "models" / "peers.json"
SEED = 7


def main():
    frame = pd.read_csv(ROOT / "tests" / "data" / "breast_cancer.csv")
    features, labels = frame.drop(columns="diagnosis"), frame["diagnosis"]
    codes = (labels == "malignant").astype(int)
    test = frame.index % 4 == 0
    models = {
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), labels),
        "tree_depth4": (DecisionTreeClassifier(max_depth=4, random_state=SEED), labels),
        "xgboost50_depth4": (xgboost.XGBClassifier(n_estimators=50, max_depth=4, random_state=SEED), codes),
    }
    written = {}
    for name, (model, target) in models.items():
        model.fit(features[~test], target[~test])
        accuracy = float((model.predict(features[test]) == target[test]).mean())
        written[name] = {"accuracy": accuracy, "export": export(model)}
        print(name, accuracy, len(json.dumps(written[name])))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(written, separators=(",", ":"), allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
