"""The metrics page of a DCGM exporter, scraped during the recording."""
