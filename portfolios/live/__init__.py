"""Portfolios that somebody watches, revalued on every tick of what they hold."""
