"""Borders between enterprises: matching of their networks, findings, joints in force."""
