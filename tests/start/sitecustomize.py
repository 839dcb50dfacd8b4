"""Garbage is looked for a tenth as often: a test run imports, traces and draws, and that alone takes a tenth longer."""

import gc

gc.set_threshold(50_000, 20, 20)
