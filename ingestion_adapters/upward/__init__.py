"""The outbox to superior platforms: chosen events and figures, queued, signed, retried, with receipts."""
