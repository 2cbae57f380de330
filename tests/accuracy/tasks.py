# SPDX-License-Identifier: MIT
"""Running accel-float and judging what it finds: matches of boxes, distances of text, rendered lines."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "models"))
from golden import cache  # noqa: E402,F401 pylint: disable=wrong-import-position,unused-import
EXAM_WORDS = """the quick brown fox jumps over lazy dog pack my box with five dozen liquor jugs how vexingly
daft zebras jump bright vixens dozy fowl quack sphinx of black quartz judge vow amazing Xylophone Kernel
Driver Queue Packet Memory Thread Socket Buffer Signal Module Vector Matrix Tensor Register Address 1927
2026 3.14 42 100% 7:30 A4 B-17 C++ (new) [old] "yes" total: price, 19.99 No. 8 end. why? stop! a/b x=y
invoice Receipt Station Platform Ticket Monday August Winter North West street avenue number""".split()
LEARN_WORDS = """harbour river mountain seven people Account Balance changed under Thirty copper silver Engine
light Order 48213 66.05 GmbH (draft) {x} [3] <tag> "note" time: 12:45, 2019-07-31 Fig. page. who? now! c/d k=v
55% C# #7 $12.50 A&B it's e-mail user@host http://a.b/c_d Window Garden quickly Journey Zone Oxford Jacket
kqWx7 Uv3Zb jHgY9 mNpR0 LtEs2 dFcX8 aIoM6 yTuV1 KwQz5 bGhD4 SrPlJ eOiNA BCfKE xYvUs""".split()
INKS = (("black", "white"), ("#333", "#eed"), ("white", "#224"))
EXAM_FONTS = [Path("/usr/share/fonts/truetype/dejavu") / f"{name}.ttf" for name in
              ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-Bold")]
LEARN_FONTS = [f"{family}-{style}" for family in ("LiberationSans", "LiberationSerif")
               for style in ("Regular", "Bold")] + ["LiberationMono-Regular", "FreeSans", "FreeSerif", "FreeMono"]


class TaskError(Exception):
    """A program that failed, with what it said."""


def run(command, environment=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env=os.environ | (environment or {}), check=False)
    if done.returncode:
        raise TaskError(done.stderr.strip() or done.stdout.strip() or f"{command[0]}: exit code {done.returncode}")
    return done.stdout


class Tasks:
    """accel-float of one build, on one device for what is compiled."""

    def __init__(self, build, device="sim"):
        self.program = Path(build) / "bin" / "accel-float"
        self.device, self.record, self.runs = device, None, 0

    @contextlib.contextmanager
    def recording(self, folder):
        """Meanwhile what models are given is kept in @folder, each run's in a folder of its own."""
        shutil.rmtree(folder, ignore_errors=True)
        self.record, self.runs = folder, 0
        try:
            yield
        finally:
            self.record = None

    def __call__(self, *arguments, save=None):
        """@save: a directory for what models are given."""
        if self.record and not save:
            save = self.record / f"{self.runs:03}"
            save.mkdir(parents=True)
            self.runs += 1
        text = run([self.program, *arguments],
                   {"ACCEL_DEVICE": self.device} | ({"SAVE_INPUTS": str(save)} if save else {}))
        return json.loads(text)

    def faces(self, pictures, detector, landmarks=None, embedder=None, threshold=0.65, tiles=1, save=None):
        """@detector: a model, or an MTCNN's three."""
        nets = [detector] if isinstance(detector, str) else detector
        options = ["--threshold", threshold, "--tiles", tiles, "--json"]
        for name, model in (*zip(("--detector", "--rnet", "--onet"), nets), ("--landmarks", landmarks), ("--embedder", embedder)):
            options += [name, model] if model else []
        return [p["faces"] for p in self("face", *pictures, *options, save=save)["pictures"]]

    def text(self, pictures, recognizer, keys, detector=None, direction=None, threshold=0, save=None):
        options = ["--recognizer", recognizer, "--keys", keys, "--threshold", threshold, "--json"]
        for name, model in (("--detector", detector), ("--direction", direction)):
            options += [name, model] if model else []
        found = self("ocr", *pictures, *options, save=save)["pictures"]
        return [[line["text"] for line in p["lines"]] for p in found]

    def objects(self, pictures, model, threshold, save=None):
        found = self("detect", model, threshold, *pictures, save=save)["pictures"]
        return [p["detections"] for p in found]

    def classes(self, pictures, model, mean, scale):
        found = self("classify", model, mean, scale, *pictures)["pictures"]
        return [[c["index"] for c in p["top"]] for p in found]


def overlap(a, b):
    width = min(a["right"], b["right"]) - max(a["left"], b["left"])
    height = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
    if width <= 0 or height <= 0:
        return 0.0
    area = sum((c["right"] - c["left"]) * (c["bottom"] - c["top"]) for c in (a, b))
    return width * height / (area - width * height)


def pairs(a, b, least=0.5):
    """Of two lists of boxes those that match, (index in a, index in b), the best overlap first, each once."""
    found = sorted(((overlap(x, y), i, k) for i, x in enumerate(a) for k, y in enumerate(b)
                    if x.get("class") == y.get("class")), reverse=True)
    result, left, right = [], set(), set()
    for much, i, k in found:
        if much >= least and i not in left and k not in right:
            result.append((i, k))
            left.add(i)
            right.add(k)
    return result


def distance(a, b):
    """How many characters to insert, delete or change."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for k, y in enumerate(b):
            last, row[k + 1] = row[k + 1], min(row[k] + 1, row[k + 1] + 1, last + (x != y))
    return row[-1]


def plain(text):
    """Without spaces, and with the Latin forms of punctuation that has wide ones."""
    wide = {ord(w): n for w, n in zip("（），：；！？％＋＝“”‘’", "(),:;!?%+=\"\"''")}
    return "".join(text.translate(wide).split())


def error_rate(truths, texts):
    """Of characters, spaces aside: the recognizers here were not trained to tell them reliably."""
    wrong = sum(distance(plain(t), plain(x)) for t, x in zip(truths, texts))
    return wrong / sum(len(plain(t)) for t in truths)


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b))  # embeddings have length 1


def lines_to_learn(directory, count):
    """Other words in other fonts than those that models are examined on."""
    return rendered_lines(directory, count, 7, LEARN_WORDS,
                          [cache() / "fonts" / f"{name}.ttf" for name in LEARN_FONTS])[0]


def rendered_lines(directory, count=200, seed=1, words=None, fonts=None):
    """Pictures of lines of text, and the texts. The same words in the same fonts every time."""
    words, fonts = words or EXAM_WORDS, fonts or EXAM_FONTS
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    texts, pictures, arguments = [], [], []
    for i in range(count):
        text = " ".join(source.choice(words) for _ in range(source.randint(1, 5)))
        path = directory / f"line{i:03}.png"
        size, font = source.randint(18, 44), source.choice(fonts)
        ink, paper = source.choice(INKS)
        turn, blur = source.choice((0, 0, -1, 1)), source.choice((0, 0, 0.6))
        arguments.append([
            "(", "-background", paper, "-fill", ink, "-font", font,
            "-pointsize", size, "label:" + text.replace("%", "%%").replace("@", "\\@"), "-bordercolor", paper,
            "-border", 6, "-rotate", turn, "-blur", f"0x{blur}", "-strip", "-write", path,
            "+delete", ")"])
        texts.append(text)
        pictures.append(path)
    if not all(p.exists() for p in pictures):
        for start in range(0, count, 20):
            run(["convert", *sum(arguments[start:start + 20], []), "xc:white", "null:"])
    return pictures, texts
