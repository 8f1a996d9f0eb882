"""The numbers of the paper and of its authors' runs, to stand beside a study's own."""
