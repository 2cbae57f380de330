# SPDX-License-Identifier: MIT
"""What a model loses in its task, against the float one: each function runs both through the same decoders.

Models are paths, as accel-float takes them; the first one is the truth. The figures are a dictionary; "kept"
says whether they are within what the project promises, which "promise" puts in words.
"""

from tasks import cache, cosine, distance, error_rate, pairs, plain

PHOTOS = ("photos/*", "faces/party_*.jpg", "faces/group_1927.png")
PAGE = "text/page.png"
MOST_PAGE_ERRORS = 2


def zoo(name):
    return str(cache() / "zoo" / name)


def pictures_of(*patterns):
    return sorted(p for g in patterns for p in cache().glob(g) if p.is_file())


def share(part, whole):
    return part / whole if whole else 1.0


def matched(first, second):
    """How many boxes of the first runs have one in the second, of how many."""
    return sum(len(pairs(a, b)) for a, b in zip(first, second)), sum(len(a) for a in first)


def detections(tasks, truth, model, pictures, threshold, margin=0.0):
    """Each side's detections over the threshold, looked for among the other's; the margin is for scores
    that lie so close to the threshold that rounding takes them to its other side."""
    runs = [tasks.objects(pictures, m, threshold - margin) for m in (truth, model)]
    high = [[[d for d in p if d["score"] >= threshold] for p in run] for run in runs]
    there, all_float = matched(high[0], runs[1])
    back, all_ours = matched(high[1], runs[0])
    return {"pictures": len(pictures), "float_detections": all_float, "our_detections": all_ours,
            "float_found_by_ours": share(there, all_float), "ours_found_by_float": share(back, all_ours),
            "promise": "both at least 0.95",
            "kept": min(share(there, all_float), share(back, all_ours)) >= 0.95}


def group(tasks, truth, model, tiles=3, threshold=0.5):
    """Faces of the group photo."""
    runs = [tasks.faces([cache() / "faces" / "group_1927.png"], m, threshold=threshold, tiles=tiles)
            for m in (truth, model)]
    there, expected = matched(runs[0], runs[1])
    return {"float_boxes": expected, "our_boxes": len(runs[1][0]), "matched": there,
            "promise": "equal", "kept": there == expected == len(runs[1][0])}


def embeddings(tasks, truth, model, pictures):
    """Both are the names of a detector, a model of landmarks and an embedder."""
    runs = [tasks.faces(pictures, *models) for models in (truth, model)]
    alike = [cosine(a[i]["embedding"], b[k]["embedding"]) for a, b in zip(*runs) for i, k in pairs(a, b)]
    found, expected = matched(*runs)
    least = min(alike, default=0)
    return {"faces": expected, "faces_matched": found, "cosine_least": least,
            "cosine_mean": share(sum(alike), len(alike)), "promise": "cosine at least 0.99",
            "kept": found == expected and least >= 0.99}


def lines(tasks, truth, model, pictures, texts):
    rates = []
    for recognizer in (truth, model):
        read = ["".join(t) for t in tasks.text(pictures, recognizer, zoo("ppocr_keys.txt"))]
        rates.append(100 * error_rate(texts, read))
    return {"lines": len(texts), "float_percent": rates[0], "our_percent": rates[1],
            "promise": "at most 0.3 points more", "kept": rates[1] <= rates[0] + 0.3}


def page(tasks, truth, model):
    """Both are a detector and a recognizer."""
    texts = [tasks.text([cache() / PAGE], recognizer, zoo("ppocr_keys.txt"), detector, threshold=0.5)[0]
             for detector, recognizer in (truth, model)]
    wrong = distance(*(plain("".join(t)) for t in texts))
    return {"float_lines": len(texts[0]), "our_lines": len(texts[1]), "different_characters": wrong,
            "text": texts[1], "promise": f"as many lines, at most {MOST_PAGE_ERRORS} characters different",
            "kept": len(texts[0]) == len(texts[1]) and wrong <= MOST_PAGE_ERRORS}


def classes(tasks, truth, model, pictures, mean, scale):
    first, second = (tasks.classes(pictures, m, mean, scale) for m in (truth, model))
    same = sum(a[0] == b[0] for a, b in zip(first, second))
    return {"pictures": len(pictures), "top1_agreement": share(same, len(pictures)),
            "promise": "at least 0.98", "kept": share(same, len(pictures)) >= 0.98}
