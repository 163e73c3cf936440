"""Configuration files of servers as trees in which every value knows its line and column."""
