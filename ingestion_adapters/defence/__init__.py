"""Self-defence of intake: quotas, back-pressure, and keys that are cut off without a person."""
