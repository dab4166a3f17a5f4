"""Become a program that ends with the process that started it: `python leash.py PARENT COMMAND...`.

Environment and folder are those of the program, so this one finds our code by its own place.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from probes.engines.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent(int(sys.argv[1]))  # the kernel remembers it of what this process becomes
    os.execvp(sys.argv[2], sys.argv[2:])
