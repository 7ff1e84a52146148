"""Write the golden file anew: python -m tests.golden"""

from autograder.paths import CHECKS
from autograder.units import UNITS
from autograder.validate import prove
from tests.golden import GOLDEN, render

built = [unit for unit in UNITS.values() if (CHECKS / f"{unit.name}.py").exists()]
GOLDEN.write_text(render({unit.name: prove(unit) for unit in built}), encoding="utf-8")
