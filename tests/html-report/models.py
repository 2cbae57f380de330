# SPDX-License-Identifier: MIT
"""Models for the report: any number of operators, any names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))

from tflite_writer import OPERATOR_CODES, Blob, Vector, Writer

# Texts that break pages which do not escape, and what a page may show of them.
REPLACED = "\N{REPLACEMENT CHARACTER}"
HOSTILE = [
    (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    (b"\"><img src=x onerror=alert(1)>", "\"><img src=x onerror=alert(1)>"),
    (b"' onmouseover='alert(1)", "' onmouseover='alert(1)"),
    (b"</title></style></script><b>", "</title></style></script><b>"),
    (b"&lt;b&gt; &amp; &#60;", "&lt;b&gt; &amp; &#60;"),
    (b"{{file}} {{#ops}} {{>js}}", "{{file}} {{#ops}} {{>js}}"),
    (b"--><!-- ]]>", "--><!-- ]]>"),
    (b"bell\x07 escape\x1b[2J delete\x7f", f"bell{REPLACED} escape{REPLACED}[2J delete{REPLACED}"),
    (b"line\nfeed\ttab", f"line{REPLACED}feed{REPLACED}tab"),
    (b"\xc2\x85\xc2\x9bC1", f"{REPLACED}{REPLACED}C1"),
    (b"overlong \xc0\xaf\xe0\x80\xaf", f"overlong {REPLACED * 5}"),
    (b"surrogate \xed\xa0\x80", f"surrogate {REPLACED * 3}"),
    (b"too high \xf4\x90\x80\x80", f"too high {REPLACED * 4}"),
    (b"cut off \xe2\x82", f"cut off {REPLACED * 2}"),
    (b"alone \xff\xfe\x80", f"alone {REPLACED * 3}"),
    ("turned \u202e\u2066gpj.exe".encode(), f"turned {REPLACED * 2}gpj.exe"),
    ("no character \ufffe\uffff".encode(), f"no character {REPLACED * 2}"),
    ("fine: ü 漢字 🙂".encode(), "fine: ü 漢字 🙂"),
    (b"long" * 50000, None),
]


def chain(names, residual=True):
    """A model of one operator for each name: ADDs with what was there before, and LOGISTICs."""
    shape = Vector("i", [1, 4, 4, 16])
    quantization = {2: Vector("f", [1 / 256]), 3: Vector("q", [-128])}
    tensors = [{0: shape, 1: ("b", 9), 3: Blob(name), 4: quantization} for name in [b"input", *names]]
    operators = []
    for i in range(len(names)):
        add = residual and i % 3 != 1
        operators.append({
            0: ("I", 0 if add else 1), 1: Vector("i", [i, max(0, i - 4)] if add else [i]),
            2: Vector("i", [i + 1]), 3: ("B", 11 if add else 0), 4: {} if add else None})
    graph = {0: tensors, 1: Vector("i", [0]), 2: Vector("i", [len(names)]), 3: operators, 4: Blob("main")}
    codes = [{0: ("b", OPERATOR_CODES[name]), 2: ("i", 1), 3: ("i", OPERATOR_CODES[name])}
             for name in ("ADD", "LOGISTIC")]
    writer = Writer()
    root = writer.table({0: ("I", 3), 1: codes, 2: [graph], 3: Blob("chain"), 4: [{}]})
    writer.refer(0, root)
    return bytes(writer.out)
