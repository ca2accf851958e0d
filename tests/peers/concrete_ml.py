"""Encrypted predictions by Concrete ML 1.9.0 on the models that `bench models` times here.

    python tests/peers/concrete_ml.py [--seconds 120]

Fits a logistic regression, a decision tree of depth 4, 50 boosted trees of depth 4 and a network of one
hidden layer of 8 units on breast_cancer, compiles each, and runs them as a client and a server would: keys, encrypted inputs and outputs pass as
bytes. Prints one JSON object a case. Rows are predicted for at most `--seconds` a case; `samples` says how
many that were, and `throughput_500_s` is their mean times 500. Without Concrete ML it says so and ends
well.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "breast_cancer.csv"
VERSION = "1.9.0"


def missing():
    """Why the peer cannot run, or nothing."""
    try:
        from importlib.metadata import PackageNotFoundError, version

        import concrete.ml  # noqa: F401
        import pandas  # noqa: F401

        found = version("concrete-ml")
    except (ImportError, PackageNotFoundError) as error:
        return f"Concrete ML is not installed ({error})"
    return None if found == VERSION else f"Concrete ML {found} is installed, not {VERSION}"


def rows():
    """Features and labels, split as everywhere: every fourth row is for testing."""
    import pandas as pd

    frame = pd.read_csv(DATA)
    labels = (frame["diagnosis"] == frame["diagnosis"].max()).astype(int).to_numpy()
    features = frame.drop(columns="diagnosis").select_dtypes("number").to_numpy(dtype="float32")
    test = frame.index.to_numpy() % 4 == 0
    return features[~test], labels[~test], features[test], labels[test]


def scaled(train, test):
    """Features with mean 0 and deviation 1 in the rows for fitting."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (test - mean) / deviation


def cases():
    import torch
    from concrete.ml.sklearn import (
        DecisionTreeClassifier,
        LogisticRegression,
        NeuralNetClassifier,
        XGBClassifier,
    )

    yield "logistic_regression", LogisticRegression(n_bits=8)
    yield "decision_tree_depth_4", DecisionTreeClassifier(n_bits=6, max_depth=4, random_state=7)
    yield "xgboost_50_depth_4", XGBClassifier(n_bits=6, n_estimators=50, max_depth=4, random_state=7)
    torch.manual_seed(7)
    network = {
        "module__n_layers": 2,
        "module__n_hidden_neurons_multiplier": 8 / 30,
        "module__n_w_bits": 4,
        "module__n_a_bits": 4,
        "module__n_accum_bits": 16,
        "module__activation_function": torch.nn.ReLU,
    }
    yield "network_8_units", NeuralNetClassifier(**network, max_epochs=150, lr=0.01, batch_size=64, verbose=0)


def measure(name, model, seconds):
    """One case: fits, compiles, and predicts row after row."""
    from concrete.ml.deployment import FHEModelClient, FHEModelDev, FHEModelServer

    train, train_labels, test, test_labels = rows()
    train, test = scaled(train, test)
    model.fit(train, train_labels)
    started = time.perf_counter()
    model.compile(train)
    compiled = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        FHEModelDev(path_dir=folder, model=model).save()
        client = FHEModelClient(path_dir=folder, key_dir=folder)
        server = FHEModelServer(path_dir=folder)
        server.load()
        started = time.perf_counter()
        client.generate_private_and_evaluation_keys()
        keys = client.get_serialized_evaluation_keys()
        generated = time.perf_counter() - started
        encrypt, evaluate, decrypt, equal, sent, received = 0.0, 0.0, 0.0, 0, 0, 0
        first, fastest, samples, begun = None, float("inf"), 0, time.perf_counter()
        while samples < 500 and (samples == 0 or time.perf_counter() - begun < seconds):
            row = test[samples % len(test)][None, :]
            start = time.perf_counter()
            inputs = client.quantize_encrypt_serialize(row)
            encrypted = time.perf_counter()
            outputs = server.run(inputs, keys)
            evaluated = time.perf_counter()
            probabilities = client.deserialize_decrypt_dequantize(outputs)
            end = time.perf_counter()
            encrypt, evaluate, decrypt = (
                encrypt + encrypted - start,
                evaluate + evaluated - encrypted,
                decrypt + end - evaluated,
            )
            equal += int(probabilities.argmax() == model.predict(row)[0])
            first, fastest = first or end - start, min(fastest, end - start)
            sent, received, samples = len(inputs), len(outputs), samples + 1
    mean = (encrypt + evaluate + decrypt) / samples
    return {
        "peer": f"concrete-ml {VERSION}",
        "case": name,
        "latency_first_s": first,
        "latency_fastest_s": fastest,
        "latency_s": mean,
        "encrypt_s": encrypt / samples,
        "evaluate_s": evaluate / samples,
        "decrypt_s": decrypt / samples,
        "samples": samples,
        "throughput_500_s": 500 * mean,
        "equal_to_clear": equal,
        "accuracy": float((model.predict(test) == test_labels).mean()),
        "bytes_sent": sent,
        "bytes_received": received,
        "bytes_registered": len(keys),
        "compile_s": compiled,
        "keys_s": generated,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="time for the predictions of a case")
    seconds = parser.parse_args().seconds
    reason = missing()
    if reason:
        print(f"skipped: {reason}; python -m pip install concrete-ml=={VERSION}", file=sys.stderr)
        return
    for name, model in cases():
        print(json.dumps(measure(name, model, seconds)), flush=True)


if __name__ == "__main__":
    main()
