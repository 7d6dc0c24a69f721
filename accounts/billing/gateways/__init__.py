"""Gateways that take money, behind one protocol. Card data never comes here: a token stands for a card."""
