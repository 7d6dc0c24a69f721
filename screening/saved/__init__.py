"""Screens that users keep: reading them, and the doors to them."""
