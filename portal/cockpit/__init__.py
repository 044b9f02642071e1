"""The cockpit 驾驶舱: the city's state in one picture, every figure with its evidence."""
