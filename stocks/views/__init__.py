"""The HTTP doors of the stocks app, one subject a module."""
