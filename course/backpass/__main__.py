"""`python -m backpass`."""

import sys

from backpass.cli import main

if __name__ == "__main__":
    sys.exit(main())
