"""Worked examples of comparing versions, from every file named in FINALMILE_VECTORS."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from finalmile.monitoring.versions import (
    anytime_t_log_e,
    asymptotic_half_width,
    mixture_bound,
    mixture_scale,
    whiten,
)


def _families(family):
    found = []
    for path in filter(None, os.environ.get("FINALMILE_VECTORS", "").split(os.pathsep)):
        content = json.loads(Path(path).read_text())
        examples = content.get(family, []) if isinstance(content, dict) else []
        found += examples if isinstance(examples, list) else [examples]
    if not found:
        pytest.skip(f"no file named in FINALMILE_VECTORS holds {family}")
    return found


def test_the_anytime_t_gathers_the_evidence_of_the_worked_example():
    for example in _families("anytime_t"):
        looks = np.array(example["x"])
        told = [anytime_t_log_e(whiten(looks[: n + 1], 0.0), c2=example["c2"]) for n in range(len(looks))]
        assert told == pytest.approx(example["logE"], abs=1e-12)


def test_the_asymptotic_sequence_is_as_wide_as_in_the_worked_example():
    for example in _families("asymptotic_cs"):
        told = [
            asymptotic_half_width(n, variance=example["var"], alpha=example["alpha"], t_opt=example["t_opt"])
            for n in example["n"]
        ]
        assert told == pytest.approx(example["half_width"], rel=1e-9)


def test_the_normal_mixture_has_the_boundary_of_the_worked_example():
    for example in _families("normal_mixture_two_sided"):
        rho = mixture_scale(example["v_opt"], alpha=example["alpha"])
        assert rho == pytest.approx(example["rho"], rel=1e-9)
        told = mixture_bound(np.array(example["v"]), rho=rho, alpha=example["alpha"])
        assert told.tolist() == pytest.approx(example["bound"], rel=1e-9)
