"""What runs elsewhere: in the venv of a server, inside one, or as one."""

from pathlib import Path

PROGRAMS = Path(__file__).parent
