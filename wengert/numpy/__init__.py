"""The NumPy language on traced arrays: `import wengert.numpy as np`. Compositions of primitives; no rules here.

Each function has the name, the arguments and the meaning of NumPy's; on plain arrays it is NumPy's.
"""

from . import array as _array
from . import fft
from .products import *
from .accumulations import *
from .reductions import *
from .universal import *

_array.install_operators()
_array.install_protocols()
_array.install_methods(globals())
