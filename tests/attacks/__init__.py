"""Hostile, careless and unlucky submissions, graded by the real commands.

`attack.py` says what an attack is, `place.py` makes the course that is attacked and sees what came of it, `plain.py`
does the same for plain nbgrader, and the other modules hold the attacks by what they aim at. To add one, call
`attack(...)` in one of them, and see what is made of it: `python -m benchmarks.attacks NAME`.

`make attacks` runs the tests: all_attacks.py (all attacks, by `autograder grade` and by `nbgrader autograde` with our
configuration), all_archives.py (what comes in archives), all_trouble.py and all_kills.py (our own trouble) and
all_plain.py (the controls). pytest collects these only by name; tests/test_attacks_sample.py runs some of them in
`make test`. Every attack has a control that succeeds: the same submission against plain nbgrader, or a twin without
the deed, which gets full marks.
"""
