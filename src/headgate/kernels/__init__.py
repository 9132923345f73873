"""Arrays in, arrays out: every numeric kernel, behind one door.

Compiled code reaches it as `headgate.kernels.door` at C speed; plain Python takes the names from here, compiled or
uncompiled. Nothing here knows of tensors, graphs or modes.
"""

from headgate._loading import WANTED

if WANTED:
    from headgate.kernels import reference_lapack as lapack
    from headgate.kernels.reference import converted as converted
    from headgate.kernels.reference import make_loop as make_loop
    from headgate.kernels.reference import show_config as show_config
else:
    from headgate.kernels import lapack as lapack
    from headgate.kernels.copying import converted as converted
    from headgate.kernels.door import make_loop as make_loop
    from headgate.kernels.door import show_config as show_config
    from headgate.kernels.halves import narrowed_to as _narrowed_to
    from headgate.kernels.halves import widened as _widened
    from headgate.kernels.reference_shared import use_halves as _use_halves

    _use_halves(_widened, _narrowed_to)
