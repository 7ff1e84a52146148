"""Write the golden file anew: python -m tests.golden [UNIT ...]"""

import sys

from autograder.paths import CHECKS
from autograder.units import UNITS, unit
from autograder.validate import prove
from tests.golden import GOLDEN, golden, render, write

built = [name for name in UNITS if (CHECKS / f"{name}.py").exists()]
parts = golden() if GOLDEN.exists() else {}
for name in sys.argv[1:] or built:
    parts[name] = render(prove(unit(name)))
    write(parts)
