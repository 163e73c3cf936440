"""Requests: the root events of each kind, their steps and batches, and their time by stage."""
