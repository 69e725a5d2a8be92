import gc
import re
import subprocess
import sys
import threading

import lightgbm
import numpy as np
import pytest

from finalmile.errors import CorruptError, MissingInputError
from finalmile.forecasters.loaders import native_trees
from finalmile.forecasters.loaders.lightgbm import LightGBM
from finalmile.forecasters.loaders.native_trees import NativeTrees

F = 6


def grown(**settings):
    chance = np.random.default_rng(1)
    features = chance.normal(size=(600, F))
    features[:, 5] = chance.integers(0, 9, 600)
    features[chance.random(features.shape) < 0.05] = np.nan
    target = chance.poisson(np.exp(np.nan_to_num(features[:, 0]) / 2 + np.nan_to_num(features[:, 5]) % 2))
    params = {"objective": "poisson", "num_leaves": 9, "verbosity": -1, "num_threads": 1, "min_data_per_group": 5}
    data = lightgbm.Dataset(features, target, categorical_feature=[5], params=params)
    return lightgbm.train({**params, **settings}, data, 40), features


@pytest.fixture(scope="module")
def trained():
    return grown()


@pytest.mark.parametrize("m", [1, 2, 15, 16, 600])
@pytest.mark.parametrize("objective", ["poisson", "tweedie", "quantile"])
def test_native_answers_equal_those_of_the_package_to_the_last_bit(objective, m):
    booster, features = grown(objective=objective)
    native = NativeTrees([booster.model_to_string()])
    assert np.array_equal(native.rows(features[:m])[:, 0], booster.predict(features[:m], num_threads=1))


def test_every_single_row_equals_the_package(trained):
    booster, features = trained
    native = NativeTrees([booster.model_to_string()])
    assert [native.row(row)[0] for row in features[:200]] == booster.predict(features[:200], num_threads=1).tolist()


def test_threads_do_not_disturb_each_other(trained):
    booster, features = trained
    native = NativeTrees([booster.model_to_string()])
    expected = booster.predict(features, num_threads=1)
    wrong = []

    def ask(start):
        wrong.extend(at for at in range(start, 600, 4) if native.row(features[at])[0] != expected[at])

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_other_threads_run_while_more_than_one_row_is_answered(trained, monkeypatch):
    booster, rows = trained
    model = NativeTrees([booster.model_to_string()])
    _, letting_go = native_trees._libraries()
    monkeypatch.setattr(native_trees, "_libraries", lambda: (None, letting_go))
    assert model.rows(rows[:2])[:, 0].tolist() == booster.predict(rows[:2]).tolist()


def test_a_closed_model_is_freed_and_says_so(trained):
    booster, features = trained
    native = NativeTrees([booster.model_to_string()])
    native.row(features[0])
    native.close()
    gc.collect()
    with pytest.raises(ValueError, match="closed"):
        native.row(features[0])
    with pytest.raises(ValueError, match="closed"):
        native.rows(features[:3])


def test_rows_of_another_width_are_refused(trained):
    native = NativeTrees([trained[0].model_to_string()])
    with pytest.raises(ValueError, match=r"\(m, 6\)"):
        native.rows(np.zeros((2, F + 1)))


def test_linear_leaves_and_several_classes_are_not_read_in_this_process():
    chance = np.random.default_rng(0)
    features = chance.normal(size=(300, 3))
    common = {"verbosity": -1, "num_threads": 1, "num_leaves": 4}
    linear = lightgbm.train({**common, "linear_tree": True}, lightgbm.Dataset(features, features[:, 0]), 3)
    with pytest.raises(CorruptError, match="linear"):
        NativeTrees([linear.model_to_string()])
    classes = lightgbm.train(
        {**common, "objective": "multiclass", "num_class": 3}, lightgbm.Dataset(features, np.arange(300) % 3), 3
    )
    with pytest.raises(CorruptError, match="classes"):
        NativeTrees([classes.model_to_string()])


@pytest.mark.parametrize(
    ("pattern", "to"),
    [
        (r"(\ntree_sizes=)\d+", r"\g<1>7"),
        (r"(\nnum_class=)\d+", r"\g<1>500"),
        (r"(\nnum_tree_per_iteration=)\d+", r"\g<1>0"),
        (r"(\nmax_feature_idx=)\d+", r"\g<1>90000000"),
        (r"(\nfeature_infos=)\S+ ", r"\g<1>"),
        (r"(\nleaf_value=)\S+", r"\g<1>inf"),
        (r"(\nleaf_value=)\S+", r"\g<1>nan"),
    ],
)
def test_an_edited_head_or_leaf_is_refused(trained, pattern, to):
    text = trained[0].model_to_string()
    broken = re.sub(pattern, to, text, count=1)
    assert broken != text
    with pytest.raises(CorruptError):
        NativeTrees([broken])


def test_a_folder_holds_one_text_for_each_output(trained, tmp_path):
    booster, features = trained
    models, kept = tmp_path / "given", tmp_path / "kept"
    models.mkdir()
    kept.mkdir()
    for name in ("mean", "q0.98"):
        booster.save_model(models / f"{name}.txt")
    LightGBM().collect(models, kept)
    assert LightGBM().load(kept, ["mean", "q0.98"]).rows(features[:4]).shape == (4, 2)
    with pytest.raises(MissingInputError, match=r"q0\.5\.txt"):
        LightGBM().load(kept, ["mean", "q0.5"])


def test_loading_natively_imports_no_package_of_frames_trees_or_ledgers():
    code = (
        "import sys; from finalmile.forecasters.loaders.native_trees import NativeTrees;"
        "print([m for m in ('polars','lightgbm','sqlalchemy','scipy','pandas','finalmile.ports') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
