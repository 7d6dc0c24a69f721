"""Screens that follow the ticks: who is in each, and what is told when a stock enters or leaves."""
