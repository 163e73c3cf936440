"""Batches, the tasks and queues behind them, and why each batch waited."""
