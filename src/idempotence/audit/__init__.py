"""Reading and scoring the replies of a loop that ran elsewhere."""
