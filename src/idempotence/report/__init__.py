"""The pages that people read: summary, replies, tables, costs; which run this was."""
