"""The parts of `benchmarks/realtime_gates.py`."""
