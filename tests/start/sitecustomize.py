"""Garbage is looked for less often: most of what a test run makes stays, and looking took a tenth of its time."""

import gc

gc.set_threshold(50_000, 20, 20)
