"""The shared kernel: database, web boundary, clock, codes and cryptography; knows no gas."""
