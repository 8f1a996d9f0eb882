"""Training the adapters of a panel's cells for one cycle."""
