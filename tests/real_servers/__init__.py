"""Servers and proxies that nobody here wrote, and what our client makes of them. See `run.py`."""
