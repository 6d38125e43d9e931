"""Checks expected.json against scikit-learn 1.9.1: python make_expected.py. Exits 1 beyond 1e-12."""
import json
import pathlib
import sys

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

cases = json.loads(pathlib.Path(__file__).with_name("expected.json").read_text())["cases"]
largest = 0.0
for case in cases:
    pair = case["truth"], case["predicted"]
    made = {"accuracy": accuracy_score(*pair), "confusion": confusion_matrix(*pair)}
    for average in ("micro", "macro", "weighted"):
        made[average] = precision_recall_fscore_support(*pair, average=average, zero_division=0)[:3]
    for key, value in made.items():
        largest = max(largest, float(np.abs(np.array(value, float) - np.array(case[key], float)).max()))
print(f"{len(cases)} cases, largest difference {largest:.3g}")
sys.exit(largest > 1e-12)
