"""Risk of the network 风险: working it out, its colours, its model's versions and how well they fit."""
