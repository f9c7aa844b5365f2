"""The day cycle: what is done about every day once it is over, each job once, in order."""
