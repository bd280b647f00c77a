"""Writes the generated mirrors of the Rust definitions, or checks that they are up to date.

One definition of anything: the settings structs of the core generate the plan's JSON schema, its
dataclasses and its reference page; the compiled module generates its stub; the argument parser
generates the reference of the command line. `python -m corpuskit._gen` needs a checkout.
"""
