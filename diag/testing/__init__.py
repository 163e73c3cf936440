"""What tests of diag, and of programs that use it, need: traces made from readable lines."""
