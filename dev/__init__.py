"""The embedded stack and what makes it: nothing in this package ships.

`stack.py` says which parts there are; `supervisor.py` runs them; `postgres.py`, `temporal.py`, `inbox.py` and `simulators/`
are the parts that are not Dunlin itself. `python -m dev` is the way in.
"""
