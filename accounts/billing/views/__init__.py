"""Doors of the shop. No GET changes anything."""
