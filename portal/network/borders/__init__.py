"""Borders between enterprises: findings, proposed joints, what the parties and the city decide."""
