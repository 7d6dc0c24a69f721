"""What travels between a client and the server, as values: no I/O, no framework."""
