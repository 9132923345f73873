"""`python -m headgate` is the command `headgate`. Nothing else is here."""

import sys

from headgate.cli import console

if __name__ == "__main__":
    sys.exit(console())
