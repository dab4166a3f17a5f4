"""One file a server or proxy: how it is brought, started, and what it speaks."""
