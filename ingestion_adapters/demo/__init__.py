"""The invented demo city 云川市: base map, gas networks, users, points, history and live programs, all from one seed."""
