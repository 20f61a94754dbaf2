"""Clients that speak any of the wires: each class is made with the base URL and the wire's name."""
