"""Conversations that change the provider in the middle, for every ordered pair of wires."""
