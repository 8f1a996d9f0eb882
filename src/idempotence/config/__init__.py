"""One validated study out of YAML files, and every mistake with its place."""
