"""For tests of diag and of programs that use it: traces from readable lines, simulated servers."""
