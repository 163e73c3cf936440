"""What ran: steps of the executor, their ops and device work, and the stages of a run."""
