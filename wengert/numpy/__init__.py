"""The NumPy language on traced arrays: `import wengert.numpy as np`. Compositions of primitives; no rules here.

Each function has the name, the arguments and the meaning of NumPy's; on plain arrays it is NumPy's.
"""
# ruff: noqa: F401, F403

from . import array as _array
from . import fft, linalg
from . import methods as _methods
from . import ufunc_methods as _ufunc_methods
from .accumulations import *
from .assignment import *
from .calculus import *
from .creation import *
from .histograms import *
from .joining import *
from .manipulation import *
from .mapping import *
from .nan_reductions import *
from .padding import *
from .passthrough import __dir__ as __dir__
from .passthrough import __getattr__ as __getattr__
from .polynomials import *
from .products import *
from .quantiles import *
from .queries import *
from .reductions import *
from .selection import *
from .sets import *
from .sliding import *
from .sorting import *
from .statistics import *
from .universal import *
from .views import *

_array.install_operators()
_array.install_protocols()
_array.install_methods(globals())
_methods.install()
