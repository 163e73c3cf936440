"""The limits of the search, each with its unit and reason."""

from __future__ import annotations

from typing import Final

# Change of throughput that is said (ratio): smaller ones are the load, not the setting.
THROUGHPUT_SAID_RATIO: Final = 0.02
# Smallest gain for which a search changes a parameter (ratio): a restart costs more than less.
SEARCH_MIN_GAIN: Final = 0.02
# Rounds over all parameters (rounds), and simulated requests (requests): bound a search to about
# half a minute.
SEARCH_ROUNDS: Final = 3
SEARCH_REQUESTS_MAX: Final = 600_000
# Largest batch that is tried, over the largest recorded one (ratio): beyond, its time is a guess.
SEARCH_MOST_ROWS_FACTOR: Final = 8
# Sizes that are tried where nothing is batched today (rows): what one row costs is then a guess.
SEARCH_FIRST_ROWS: Final = (4, 8, 16, 32, 64)
# Timeouts (us), threads and limits of the queue (batches) that are tried besides those in force.
SEARCH_TIMEOUTS_MICROS: Final = (0, 500, 1000, 2000, 5000, 10_000, 20_000)
SEARCH_THREADS: Final = (1, 2, 3, 4, 6, 8)
SEARCH_ENQUEUED: Final = 100
# Highest load that is tried (ratio of the recorded one), and halvings of the last step.
HEADROOM_MOST_RATE: Final = 30.0
HEADROOM_STEPS: Final = 5
# Settings shown of those that no other beats (settings).
PARETO_MOST: Final = 10
