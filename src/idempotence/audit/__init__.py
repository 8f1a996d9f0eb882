"""A loop that ran elsewhere: its replies, read from its own files, in the form of a study's."""
