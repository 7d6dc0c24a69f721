"""`GET /metrics`: how the service does, for Prometheus.

Everything is read from Redis and PostgreSQL when it is asked for, so every process gives the same answer and
a restart resets nothing.
"""
