"""Worked examples of the monitoring statistics, from every file named in FINALMILE_VECTORS."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from finalmile.monitoring.engine import Bets, beta_binomial_log_e, e_bh, e_cusum, log_mean_exp, shiryaev_roberts


def _families(family: str) -> list[dict]:
    """Examples of one family in all files; a family holds one example or a list of them."""
    found = []
    for path in filter(None, os.environ.get("FINALMILE_VECTORS", "").split(os.pathsep)):
        content = json.loads(Path(path).read_text())
        examples = content.get(family, []) if isinstance(content, dict) else []
        found += examples if isinstance(examples, list) else [examples]
    if not found:
        pytest.skip(f"no file named in FINALMILE_VECTORS holds {family}")
    return found


def test_the_e_detector_gathers_the_evidence_of_the_worked_example() -> None:
    for example in _families("sr_edetector_gauss"):
        bets = Bets(sizes=tuple(example["lambdas"]), clip=example["clip"])
        log_r, seen = np.full((1, len(bets.sizes)), -np.inf), []
        for z in example["z"]:
            log_r, _ = shiryaev_roberts(log_r, np.array([z]), tolerance=np.array([example["delta"]]), bets=bets)
            seen.append(float(log_mean_exp(log_r)[0]))
        assert seen == pytest.approx(example["log_M"], rel=1e-9)


def test_e_bh_lists_what_the_worked_example_lists() -> None:
    for example in _families("e_bh"):
        assert e_bh(np.log(example["e"]), alpha=example["alpha"]).tolist() == example["reject"]


def test_the_beta_binomial_mixture_has_the_evidence_of_the_worked_examples() -> None:
    for example in _families("beta_binomial_logE"):
        log_e = beta_binomial_log_e(example["k"], example["n"], expected=example["p0"], a=example["a"], b=example["b"])
        assert math.isclose(log_e, example["logE"], rel_tol=1e-9)


def test_the_stretch_of_evidence_follows_the_recursion_of_the_worked_example() -> None:
    for example in _families("e_cusum"):
        log_c, seen = np.zeros(1), []
        for value in example["e_values"]:
            log_c = e_cusum(log_c, np.log([value]))
            seen.append(float(np.exp(log_c[0])))
        assert seen == pytest.approx(example["cusum"], rel=1e-9)
