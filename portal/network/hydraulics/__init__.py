"""Hydraulics of the stored network: scenarios, their pages and what they are kept with."""
