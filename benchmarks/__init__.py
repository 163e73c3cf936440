"""Measurements that the documentation's tables are made of; run by ``python -m benchmarks``."""
