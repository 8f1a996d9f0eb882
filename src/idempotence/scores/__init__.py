"""The scores table: its one schema and its files; training logs."""
