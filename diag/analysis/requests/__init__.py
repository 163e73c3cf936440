"""Requests: which events stand for one, the chain behind each, and its time by stage."""
