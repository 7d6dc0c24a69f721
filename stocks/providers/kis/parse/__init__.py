"""What KIS sends, as our types; with ``frames`` the only place that knows what their fields are called."""
