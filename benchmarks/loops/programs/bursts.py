"""A batch job: jobs arrive in bursts of ten, and the loop waits for the next burst."""

import queue
import threading
import time

import tensorflow as tf
from models import dense_function
from step_log import StepLog

WIDTH = 768


def send_bursts(jobs, log):
    """Another thread brings work."""
    while log.goes_on:
        for number in range(10):
            jobs.put(number)
        time.sleep(0.25)
    jobs.put(None)


def parse(number):
    """Some work of Python on each job."""
    return tf.constant([[float(len(str(number * each))) for each in range(WIDTH)]])


def main():
    """The loop."""
    answer, log, jobs = dense_function(WIDTH), StepLog(), queue.Queue()
    threading.Thread(target=send_bursts, args=(jobs, log), daemon=True).start()
    while True:
        with log.step("wait"):
            number = jobs.get()
        if number is None:
            break
        with log.step("prepare"):
            rows = parse(number)
        with log.step("model"):
            answer(rows)
    log.end()


main()
