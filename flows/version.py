"""The version of this checkout, without the 50 ms that asking the installed metadata takes."""

VERSION = "0.1.0"
