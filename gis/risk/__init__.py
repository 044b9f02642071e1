"""Risk of the network: formulas, the likelihood model and the tables of what follows from them."""
