"""The live version beside the last good one, from forecasts of the same cutoffs."""

from __future__ import annotations

from finalmile.workflows.agreement import watch_agreement


def test_nothing_is_told_while_no_other_version_was_good(small_shop):
    shop = small_shop()
    shop.project.train("demand", cutoff=shop.day(60))
    shop.project.promote("demand", 1, force=True)
    assert watch_agreement(shop.project.shop, "demand", shop.project.shop.known.newest) == []


def test_the_same_recipe_again_agrees_and_another_one_differs(small_shop):
    shop = small_shop()
    for recipe, number in (("seasonal_naive", 1), ("seasonal_naive", 2), ("window_average", 3)):
        shop.project.train("demand", recipe, cutoff=shop.day(60 + number))
        shop.project.promote("demand", number, force=True)
        told = watch_agreement(shop.project.shop, "demand", shop.project.shop.known.newest)
        if number == 2:
            assert "equal within" in told[-1].why
            assert told[-1].subject == "demand@2 beside demand@1"
        if number == 3:
            assert told[-1].breached
            assert watch_agreement(shop.project.shop, "demand", shop.project.shop.known.newest) == []
