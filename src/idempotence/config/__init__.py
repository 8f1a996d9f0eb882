"""The config: models, checks, messages. Jobs import only the part they use; all of it costs 0.1 s."""
