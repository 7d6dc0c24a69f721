"""Alerts: rules and their book are pure, the evaluator reads ticks and writes firings."""
