"""Sentences for the codes and facts of an analysis, each written in one place."""
