"""Stock over time: the one engine behind policies, replay and counterfactuals."""
