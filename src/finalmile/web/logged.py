"""Lines of the prediction log, as :class:`finalmile.predictions.record.Prediction` reads them."""

from __future__ import annotations

from typing import Any

from finalmile.serving.ready import Answer, Plan, Ready
from finalmile.web.replies import Call, encoded


def line_of(ready: Ready, plan: Plan, answer: Answer, call: Call, *, prediction_id: str, role: str) -> dict[str, Any]:
    """What is logged of one answer; when and how long it took is filled in by who answers."""
    return {
        "prediction_id": prediction_id,
        "request_id": call.request_id,
        "endpoint": call.endpoint,
        "model": ready.served.model,
        "version": ready.served.number,
        "role": role,
        "mean": answer.mean,
        "ds": plan.ds,
        "unique_id": plan.asked.unique_id,
        "cutoff": None if plan.given else ready.cutoff,
        "features": None,
        "given": plan.given,
        "levels": answer.levels,
        "quantiles": answer.quantiles,
        "windows": answer.windows,
        "outcome": "ok",
        "fallback": "",
        "key": call.digest,
    }


def lines_of(line: dict[str, Any], plan: Plan, answer: Answer) -> list[bytes]:
    """One line for what was looked up or stands for itself, else one per row of features."""
    rows = plan.rows
    if rows is None:
        return [encoded(line)]
    if len(rows) == 1:
        line["features"] = rows[0]
        return [encoded(line)]
    return [encoded({**line, **_step(line["prediction_id"], at, plan, answer)}) for at in range(len(rows))]


def _step(prediction_id: str, at: int, plan: Plan, answer: Answer) -> dict[str, Any]:
    assert plan.rows is not None
    return {
        "prediction_id": f"{prediction_id}.{at}",
        "mean": answer.mean[at : at + 1],
        "ds": plan.ds[at : at + 1],
        "features": plan.rows[at],
        "quantiles": [one[at : at + 1] for one in answer.quantiles],
    }
