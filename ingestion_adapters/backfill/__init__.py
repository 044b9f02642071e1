"""Readings that come later than is taken automatically: requests, approval, and rows that wait for it."""
