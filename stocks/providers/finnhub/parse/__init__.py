"""Their answers as our types, without I/O: the only place that knows the names of their fields."""
