"""What the page of an explanation says before each table and picture."""

from __future__ import annotations

LIST = """<p>The function as the library sees it: one operation a line, each value assigned once. A line of your program
that holds several operations has several rows; the last of them bears your variable’s name. A dot marks results.</p>"""

FORWARD = """<p>Each node carries its derivative along a direction of the inputs, its
<span class="wg-tan">tangent</span>, written with a dot. It is computed together with the value, from the nodes above.
One column is one pass.</p>"""

REVERSE = """<p>The derivative of the result with respect to each node, its <span class="wg-adj">adjoint</span>, written
with a bar. It is computed from the result back to the inputs: each user of a node sends it a part, and the adjoint is
their sum. One pass gives the derivatives with respect to all inputs.</p>"""

GRAPH = """<p>Values flow downwards. Point at a box, or go to it with Tab and the arrow keys, and its row in the tables,
its neighbours and its adjoint are marked; Enter or a click keeps the mark.</p>"""

EXTENDED = """<p>Reverse mode extends the program by new nodes, on the right, where adjoints flow upwards. The result is
again a program, which can be differentiated like the first.</p>"""

METHODS = """<p>The same derivative found in five ways. The error is relative to the largest derivative. A call is one
evaluation of the function; a pass is one run that carries tangents, or one run forwards and back. Size counts the
operations of the symbolic expression, or the equations of the program.</p>"""

CURVE = """<p>A difference quotient is wrong twice: by truncation, which grows with the step, and by rounding, which
grows as the step shrinks. Automatic differentiation has no step.</p>"""

COST = """<p>Counted on the programs, not timed. An operation is one arithmetic or elementary function of one number;
bytes are those of all arrays that are read and written.</p>"""

START = "Press Play, or move the slider: values first, from the inputs down; then adjoints, back up."

PLAYER = """<div class="wg-player" role="group" aria-label="Step through both sweeps" hidden>
<button type="button">Back</button><button type="button" aria-pressed="false">Play</button>
<button type="button">Next</button><input type="range" min="0" max="{steps}" value="0" step="1" aria-label="Step"></div>
<p class="wg-says" aria-live="polite" hidden>{start}</p>"""
