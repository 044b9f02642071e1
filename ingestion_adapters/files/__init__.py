"""Deliveries of files: reading what enterprises hand over and judging it row by row."""
