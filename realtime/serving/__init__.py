"""Realtime alone: several worker processes on one port, looked after by their parent."""
