"""Whether what enterprises send can be relied on: silence of feeds, rules, scores, findings and reconciliation."""
