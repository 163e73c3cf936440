"""Nothing at all happens while the profiler records."""

import time

from recording import SECONDS, Calls, record


def main():
    """Record a pause."""
    record(lambda: time.sleep(SECONDS), Calls())


main()
