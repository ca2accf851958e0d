"""Loaded models predict what the Rust crate says they do.

    python tests/test_load.py

needs numpy; uses `sdk/model/tests/trained.json`, which a test of the Rust crate writes and checks.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk" / "python-export"))
from sordino_export import Unsupported, from_dict, load  # noqa: E402


def test_predictions_are_those_of_the_crate():
    recorded = json.loads((ROOT / "sdk" / "model" / "tests" / "trained.json").read_text(encoding="utf-8"))
    for name, case in recorded.items():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.json"
            path.write_text(json.dumps(case["file"]), encoding="utf-8")
            estimator = load(path)
        assert estimator.n_features_in_ == len(case["rows"][0]), name
        found = estimator.predict(case["rows"])
        if isinstance(case["predictions"][0], str):
            assert [str(label) for label in found] == case["predictions"], name
        else:
            assert np.allclose(found, case["predictions"], rtol=1e-9), name
        if case["probabilities"] is not None:
            assert np.allclose(estimator.predict_proba(case["rows"]), case["probabilities"], atol=1e-9), name
        else:
            assert not hasattr(estimator, "predict_proba"), name


def test_what_is_not_a_model_is_refused():
    try:
        from_dict({"format": "other"})
    except Unsupported as error:
        assert "sordino-model/1" in str(error)
    else:
        raise AssertionError("refused")


if __name__ == "__main__":
    test_predictions_are_those_of_the_crate()
    test_what_is_not_a_model_is_refused()
    print("ok")
