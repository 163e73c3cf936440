"""One module a tracker; each knows its API's paths, its limits and what it calls things."""
