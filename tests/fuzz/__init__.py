"""Long searches for what breaks a parser; the tests run a short one."""
