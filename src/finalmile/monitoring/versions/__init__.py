"""Two versions beside each other: on the same rows, or on two halves of the traffic."""

from finalmile.monitoring.versions.anytime import anytime_t_half_width, anytime_t_log_e
from finalmile.monitoring.versions.arms import ArmsEstimate, arms_verdict, compare_arms
from finalmile.monitoring.versions.losses import PairedLook, of_champion, paired_looks, relative_gain
from finalmile.monitoring.versions.mixture import asymptotic_half_width, mixture_bound, mixture_scale
from finalmile.monitoring.versions.spending import Spending, boundary, spent, spent_without_end
from finalmile.monitoring.versions.verdict import FINAL, MOST_LOOKS, Decision, Rule, Verdict, verdict
from finalmile.monitoring.versions.whitening import Whitened, assumed_persistence, persistence, whiten

__all__ = [
    "FINAL",
    "MOST_LOOKS",
    "ArmsEstimate",
    "Decision",
    "PairedLook",
    "Rule",
    "Spending",
    "Verdict",
    "Whitened",
    "anytime_t_half_width",
    "anytime_t_log_e",
    "arms_verdict",
    "assumed_persistence",
    "asymptotic_half_width",
    "boundary",
    "compare_arms",
    "mixture_bound",
    "mixture_scale",
    "of_champion",
    "paired_looks",
    "persistence",
    "relative_gain",
    "spent",
    "spent_without_end",
    "verdict",
    "whiten",
]
