"""Proposed corrections: what a regulator would change in an enterprise's network, beside its value, never over it."""
