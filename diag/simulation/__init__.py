"""TensorFlow Serving's batch scheduler, modelled once.

========================  =========================================================================
``options``               a queue's parameters and the server's defaults
``rules``                 when a batch is full, expires or is refused; how tasks are cut and padded
``columns``               the same rules applied to recorded batches, as NumPy columns
``batch_queue``           one queue, driven event by event
``server``                the same in a plain event loop, for many runs under a load
``clients``               clients of a closed loop, drawn from recorded ones
``scheduler``             queues and batch threads in simulated time (SimPy)
========================  =========================================================================

Attribution uses the columns. Simulations bring their own arrivals and service times and drive the
scheduler. A property test checks that both forms agree.

Source: tensorflow/core/kernels/batching_util/shared_batch_scheduler.h, TensorFlow 2.21, with the
defaults that tensorflow_serving/servables/tensorflow/bundle_factory_util.h passes on
(tensorflow/serving 9d981c5c). Not modelled: priority queues and padding policies other than PAD_UP,
which a batching_parameters_file cannot set.
"""
