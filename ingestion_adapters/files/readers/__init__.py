"""Readers of foreign files, one a format; each runs in a child process with limits and decides nothing."""
