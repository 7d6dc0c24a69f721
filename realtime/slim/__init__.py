"""A WebSocket server for connections that are many and mostly idle: a few hundred bytes each, and no task."""
