"""What is read from the stocks app, one subject a module."""
