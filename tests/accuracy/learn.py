# SPDX-License-Identifier: MIT
"""What models are calibrated on: inputs as their task shows them, of other pictures and texts than those that
they are examined on. Each function fills a folder with .npy files; the tasks' own programs make them.
"""

import shutil
from pathlib import Path

from figures import pictures_of, zoo
from tasks import lines_to_learn, run

# Parts of these are what classifiers learn from, and of others what they are examined on
LEARN = ["astronaut.png", "coffee.png", "motorcycle.png", "more/fruits.jpg", "more/butterfly.jpg", "more/messi5.jpg",
         "more/building.jpg", "more/leuvenA.jpg", "more/baboon.jpg", "more/apple.jpg", "more/graf1.png"]
EXAM = ["chelsea.png", "rocket.jpg", "group.jpg", "more/orange.jpg", "more/home.jpg", "more/squirrel_cls.jpg",
        "more/starry_night.jpg", "more/aloeL.jpg", "more/stuff.jpg", "more/board.jpg", "more/aero1.jpg",
        "more/chicky_512.png", "more/smarties.png", "more/basketball1.png"]
MANY = [f"many/{name}.jpg" for name in ("bowl", "bridge", "brushes", "clock", "dogs", "lamp", "meadow", "peaks",
                                        "plant", "room", "seed", "stream", "sunset")]
# Photographs of people that are neither at the parties nor on the group photo of 1927
PEOPLE = ["group.jpg", "more/messi5.jpg", "more/basketball1.png", "astronaut.png"]
CHANGES = {"as-it-is": [], "mirrored": ["-flop", "-modulate", "110,80"],
           "turned": ["-modulate", "80,120", "-rotate", "7"]}
LINES, PAGES, PAGE_LINES = 64, 6, 9


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Recorder:
    """Runs tasks on float models and keeps what one of these models was given."""

    def __init__(self, tasks, folder, model):
        self.tasks, self.model, self.count = tasks, model, 0
        self.learn, self.scratch = fresh(folder / "learn"), folder / "scratch"

    def __call__(self, task, *arguments, **options):
        fresh(self.scratch)
        task(*arguments, **options, save=self.scratch)
        for path in sorted(self.scratch.glob(f"{self.model}-*.npy")):
            path.rename(self.learn / f"{self.count:04}.npy")
            self.count += 1
        shutil.rmtree(self.scratch)


def changed(cache, names, folder):
    """Each photograph as it is, mirrored and paler, turned and darker."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names:
        for change, arguments in CHANGES.items():
            path = folder / f"{Path(name).stem}-{change}.png"
            run(["convert", cache / "photos" / name, *arguments, path])
            made.append(path)
    return made


def aligned_faces(tasks, cache, folder):
    """As the embedder gets them: people of PEOPLE, and those of 1927, who are not in the exam."""
    models = [zoo(f"fr_{name}.onnx") for name in ("detect", "landmark", "feature")]
    record = Recorder(tasks, folder, "fr_feature")
    record(tasks.faces, changed(cache, PEOPLE, folder / "people"), *models, threshold=0.5)
    record(tasks.faces, [cache / "faces" / "group_1927.png"], *models, threshold=0.5, tiles=3)


def parties(tasks, cache, folder):
    """As the detector gets them: the parties, in colour and grey, whole and in tiles."""
    grey = []
    (folder / "grey").mkdir(parents=True, exist_ok=True)
    pictures = sorted((cache / "faces").glob("party_*.jpg")) + [cache / "photos" / "group.jpg"]
    for path in pictures:
        grey.append(folder / "grey" / f"{path.stem}.png")
        run(["convert", path, "-resize", "1280x", "-colorspace", "Gray", grey[-1]])
    record = Recorder(tasks, folder, "fr_detect")
    for tiles in (1, 3):
        record(tasks.faces, pictures + grey, zoo("fr_detect.onnx"), tiles=tiles)


def cascade(tasks, cache, folder):
    """As an MTCNN's three nets get them: the parties. A folder for each net."""
    for net in "pro":
        fresh(folder / net)
    scratch = fresh(folder / "scratch")
    tasks.faces(sorted((cache / "faces").glob("party_*.jpg")), [zoo(f"mtcnn_{net}net.tflite") for net in "pro"],
                save=scratch)
    for path in sorted(scratch.glob("mtcnn_*.npy")):
        path.rename(folder / path.name[len("mtcnn_")] / path.name)


def photographs(tasks, _cache, folder):
    """As a YOLO gets them."""
    Recorder(tasks, folder, "yolov8n")(tasks.objects, pictures_of("photos/more/*", "photos/many/*"),
                                       zoo("yolov8n.onnx"), 0.5)


def text_lines(tasks, _cache, folder):
    Recorder(tasks, folder, "ppocr_v4_rec")(
        tasks.text, lines_to_learn(folder / "lines", LINES), zoo("ppocr_v4_rec.onnx@1x3x48x320"),
        zoo("ppocr_keys.txt"))


def pages(tasks, _cache, folder):
    """Lines below each other, on paper that is not evenly lit."""
    lines = lines_to_learn(folder / "lines", PAGES * PAGE_LINES)
    made = []
    for page in range(PAGES):
        made.append(folder / f"page{page}.png")
        run(["convert", *lines[page * PAGE_LINES:(page + 1) * PAGE_LINES], "-background", "#dcd8d0",
             "-gravity", "West", "-append", "-bordercolor", "#dcd8d0", "-border", "20",
             "(", "+clone", "-fill", "white", "-colorize", "100", "-sparse-color", "Bilinear",
             "0,0 white 600,400 gray60", ")", "-compose", "Multiply", "-composite", made[-1]])
    Recorder(tasks, folder, "ppocr_v4_det")(
        tasks.text, made, zoo("ppocr_v4_rec.onnx@1x3x48x320"), zoo("ppocr_keys.txt"),
        detector=zoo("ppocr_v4_det.onnx@1x3x640x640"), threshold=0.5)
