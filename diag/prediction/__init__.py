"""The recorded load on a simulated server, which must first reproduce the recording.

==================  ===============================================================================
``clients``         the clients of a closed loop, recognised in its requests
``workload``        from an analysis: arrivals or clients, queues and threads as they are today
``unbatched``       the same of a server that does not batch
``batch_cores``     how many cores a batch uses, by samples of the CPU
``batch_times``     the time of a batch by its size and its spread, with ``hold_ups``
``contention``      how batches that run at once slow each other
``service``         both together, and other times that are as likely
``changes``         parameters to try, applied to the settings of today
``metrics``         latency, throughput, batch size and refusals of a run, measured or simulated
``replicates``      runs with the recorded load and with resampled loads; value and interval
``recorded``        all that one analysis gives, and the check against what was measured
==================  ===============================================================================

Findings take their gains from it, and ``diag.tuning`` its answers.
"""
