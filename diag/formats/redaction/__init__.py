"""A source without the names in it: hosts, models, paths, ops and whatever else names something.

What stays is what is known to be public: names of TensorFlow's and CUDA's own events and op types,
and the words of diag's and the tracers' messages. Every other name becomes a pseudonym, so a name
that nobody thought of is replaced, too. Numbers stay, so that the analysis is the same.
"""
