"""What the decisions were worth: KPIs, paired counterfactuals, intervals."""
