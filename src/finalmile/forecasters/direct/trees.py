"""Boosted trees: train, answer, and travel as text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from finalmile.forecasters.direct.native_threads import native_threads
from finalmile.forecasters.direct.tree_text import check_trees
from finalmile.frames import FloatArray

_COMMON: Mapping[str, object] = {
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "max_bin": 127,
    "bin_construct_sample_cnt": 100_000,
    "feature_pre_filter": False,
}


def _lightgbm() -> Any:
    """LightGBM, its threads sleeping while they wait.

    By default they spin: beside other work on two cores training then takes ten times as long. The OpenMP runtime
    reads the setting once, when it is loaded; a user's own setting stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import lightgbm

    return lightgbm


@dataclass(frozen=True)
class Trees:
    """A boosted model as its text; the booster is made on first use.

    Parameters
    ----------
    text
        What LightGBM writes; checked for structure before LightGBM reads it.
    threads
        Threads a prediction may use; never the library's own default.
    """

    text: str
    threads: int = 2

    @cached_property
    def _booster(self) -> Any:
        check_trees(self.text)
        return _lightgbm().Booster(model_str=self.text)

    def raw(self, features: FloatArray) -> FloatArray:
        """Raw score of each row of features, shape (m,)."""
        if len(features) == 0:
            return np.zeros(0, dtype=np.float32)
        with native_threads.preferably(self.threads) as threads:
            told = self._booster.predict(features, raw_score=True, num_threads=threads)
        return np.asarray(told, dtype=np.float32)


def grow(
    features: FloatArray,
    target: FloatArray,
    *,
    names: Sequence[str],
    weight: FloatArray,
    settings: Mapping[str, object],
    rounds: int,
    threads: int,
    seed: int,
    grow_threads: int = 1,
    offset: FloatArray | None = None,
) -> Trees:
    """Train trees; the same rows, settings, seed and ``grow_threads`` give the same text.

    Parameters
    ----------
    threads, grow_threads
        Threads that answer later, and that train now.
    offset : array of shape (m,)
        Raw score that every row starts from; the trees give what is added to it.
    """
    lightgbm = _lightgbm()
    params = {**_COMMON, **settings, "num_threads": grow_threads, "seed": seed}
    codes = [at for at, name in enumerate(names) if name.startswith("code_")]
    with native_threads.exactly(grow_threads):
        data = lightgbm.Dataset(
            features,
            label=target,
            weight=weight,
            init_score=offset,
            feature_name=list(names),
            categorical_feature=codes,
            params=params,
            free_raw_data=True,
        )
        booster: Any = lightgbm.train(params, data, num_boost_round=rounds)
        return Trees(booster.model_to_string(importance_type="gain"), threads)
