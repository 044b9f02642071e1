"""Steady flow of gas in the stored network, line pack, and hours until pressures fall too low."""
