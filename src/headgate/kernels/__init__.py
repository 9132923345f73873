"""Arrays in, arrays out: every numeric kernel, behind one door.

Compiled code reaches it as `headgate.kernels.door`, uncompiled code as `headgate.kernels.reference`; both hold the same
names. Nothing here knows of tensors, graphs or modes.
"""
