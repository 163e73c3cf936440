"""Posting a ticket: text and files of one capture into an issue tracker or a chat, once.

A tracker is a module in ``trackers/``. ``posting.py`` retries, and ``connection.py`` speaks HTTP.
"""
