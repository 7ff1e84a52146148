"""Hostile, careless and unlucky submissions, graded by the real commands.

`attack.py` says what an attack is, `place.py` makes the course that is attacked and sees what came of it; the
other modules hold the attacks by what they aim at. `all_attacks.py` grades them all (`make attacks`), and
tests/test_attacks_sample.py a few. Every attack has a control that succeeds: the same submission against plain
nbgrader, or a twin without the deed, which gets full marks.
"""
