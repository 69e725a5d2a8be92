import re

import numpy as np
import pytest

from finalmile.errors import CorruptError
from finalmile.forecasters.direct.tree_text import check_trees
from finalmile.forecasters.direct.trees import grow


@pytest.fixture(scope="module")
def text():
    chance = np.random.default_rng(0)
    features = np.column_stack([chance.normal(size=(500, 2)), chance.integers(0, 6, 500)]).astype(np.float32)
    target = (features[:, 0] + (features[:, 2] % 2) * 2).astype(np.float32)
    return grow(
        features,
        target,
        names=("a", "b", "code_c"),
        weight=np.ones(500, dtype=np.float32),
        settings={"objective": "regression", "num_leaves": 7, "min_data_in_leaf": 5, "min_data_per_group": 5},
        rounds=3,
        threads=1,
        seed=0,
    ).text


def test_what_lightgbm_wrote_is_sound(text):
    assert "num_cat=0" in text or "cat_threshold" in text
    check_trees(text)


@pytest.mark.parametrize("name", ["split_feature", "left_child", "right_child", "num_leaves", "decision_type"])
def test_one_wrong_integer_is_found(text, name):
    broken = re.sub(rf"(\n{name}=)(-?\d+)", r"\g<1>99999", text, count=1)
    assert broken != text
    with pytest.raises(CorruptError, match="tree 0"):
        check_trees(broken)


def test_a_loop_of_children_is_found(text):
    broken = re.sub(r"(\nleft_child=)(-?\d+)", r"\g<1>0", text, count=1)
    with pytest.raises(CorruptError):
        check_trees(broken)


@pytest.mark.parametrize("cut", ["leaf_value", "threshold", "right_child"])
def test_a_missing_line_is_found(text, cut):
    with pytest.raises(CorruptError):
        check_trees(re.sub(rf"\n{cut}=[^\n]*", "", text, count=1))


def test_text_that_is_no_model_is_refused():
    with pytest.raises(CorruptError):
        check_trees("hello")


@pytest.mark.parametrize("name", ["split_gain", "internal_value", "leaf_weight", "threshold"])
def test_a_word_among_the_numbers_is_found_though_every_length_is_right(text, name):
    broken = re.sub(rf"(\n{name}=)\S", r"\g<1>x", text, count=1)
    assert broken != text
    with pytest.raises(CorruptError, match=r"no number|cannot be read"):
        check_trees(broken)
