"""compile: a function of Values traced once to a tape, fused, and run over rows, forward and backward.

tracing (above) writes the tape; layers, adjoint and fusion are passes over it; program lowers it to what runs in C, or
python where that was not built; compiled is what a user holds.
"""
