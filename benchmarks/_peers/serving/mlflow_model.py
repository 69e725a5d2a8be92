"""Writes the model as MLflow keeps it: `python mlflow_model.py MODEL_FOLDER OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm as lgb
import mlflow.lightgbm

if __name__ == "__main__":
    booster = lgb.Booster(model_file=Path(sys.argv[1]) / "model.txt")
    mlflow.lightgbm.save_model(booster, sys.argv[2])
