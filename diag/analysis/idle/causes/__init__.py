"""The causes of idle time, one module a group: when each holds and which events show it."""
