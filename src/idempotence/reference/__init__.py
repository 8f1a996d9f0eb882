"""Reference pages written from the code: command lines, files and columns, claims."""
