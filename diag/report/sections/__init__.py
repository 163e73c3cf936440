"""One module a topic of the report; ``topics.py`` imports all of them and orders their sections."""
