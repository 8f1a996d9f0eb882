"""The scores table: its one schema, its files, text metrics; training logs."""
