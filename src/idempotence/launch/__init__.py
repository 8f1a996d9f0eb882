"""Running a function as a script, warm or cold; GPUs; what a job used."""
