"""The arithmetic of compute_dpg_bench.py and 3_in_1.py, written again from their description: what they would make of
the answers in the result files. python3 official.py CSV RESULTS_FOLDER MODE, python3 official.py t2i FOLDER LISTS"""
import csv
import json
import re
import sys
from collections import defaultdict

mean = lambda values: sum(values) / len(values)


def dpg(csv_path, folder, mode):
    rows = list(csv.DictReader(open(csv_path, newline="", encoding="utf-8")))
    if mode == "compat":
        rows = rows[1:]
    prompts = defaultdict(list)
    for row in rows:
        prompts[row["item_id"]].append(row)
    asked = defaultdict(lambda: defaultdict(dict))
    for line in open(f"{folder}/dpg-bench_results_detail.txt", encoding="utf-8"):
        path, crop, question, answer = re.match(r"^(.*?), (\([\d, ]+\)), (.*), (yes|no)$", line).groups()
        asked[path][crop][question] = answer
    images, categories = {}, defaultdict(list)
    for path, crops in asked.items():
        questions = prompts[path.split("/")[-1].split(".")[0]]
        try:
            scores, of_image = [], []
            for answers in crops.values():
                raw = {int(q["proposition_id"]): float(answers[q["question_natural_language"]] == "yes") for q in questions}
                kept = dict(raw)
                for q in questions:
                    parents = [int(p) for p in q["dependency"].split(",") if int(p) != 0]
                    if any([kept[p] == 0 for p in parents]):
                        kept[int(q["proposition_id"])] = 0.0
                scores.append(mean(list(kept.values())))
                found = [(q["tuple"].split("(")[0].strip(), raw[int(q["proposition_id"])]) for q in questions]
                of_image = found if mode == "compat" else of_image + found
        except KeyError:
            continue
        images[path] = [*scores, mean(scores)]
        for category, answer in of_image:
            categories[category].append(answer)
    broad = defaultdict(list)
    for category, answers in categories.items():
        broad[category.split("-")[0].strip()] += answers
    return {
        "images": images,
        "L1": {name: mean(values) * 100 for name, values in broad.items()},
        "L2": {name: mean(values) * 100 for name, values in categories.items()},
        "score": mean([scores[-1] for scores in images.values()]) * 100,
    }


def three_in_one(folder, lists):
    answers = lambda name: [float(entry["answer"]) for entry in json.load(open(f"{folder}/{name}/vqa_result.json"))]
    blip, spatial, clip = answers("annotation_blip"), answers("labels/annotation_obj_detection_2d"), answers("annotation_clip")
    rules = json.loads(lists)
    total = []
    for i, rule in enumerate(rules):
        if rule == "spatial":
            total.append((spatial[i] + blip[i]) * 0.5)
        elif rule == "action":
            total.append((clip[i] + blip[i]) * 0.5)
        else:
            total.append((blip[i] + spatial[i] + clip[i]) / 3)
    return {"answers": total, "blip": mean(blip), "spatial": mean(spatial), "total": mean(total)}


arguments = sys.argv[1:]
print(json.dumps(three_in_one(*arguments[1:]) if arguments[0] == "t2i" else dpg(*arguments)))
