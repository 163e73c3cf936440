"""Independent ways to the same answers; nothing in here imports the module it judges."""
